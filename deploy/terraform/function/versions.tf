terraform {
  # 1.9: a validation may speak of other variables.
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # 6.28 grants both permissions that a public function URL needs; an older
      # provider grants one, and every request is answered 403 (see url.tf).
      version = ">= 6.28, < 7.0"
    }
  }
}
