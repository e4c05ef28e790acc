terraform {
  # 1.9: a validation may speak of other variables.
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # The same as the function module's: the two are used together.
      version = ">= 6.28, < 7.0"
    }
  }
}
