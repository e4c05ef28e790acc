# The weather server on AWS Lambda. Terraform builds nothing: README.md has the
# command that makes the package, and the one for an image.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.28, < 7.0"
    }
  }
}

provider "aws" {
  region = var.region
}

module "weather" {
  source = "../../../deploy/terraform/function"

  name = var.name
  # Anyone may ask for the weather. A server with more to lose asks for a token,
  # or for a signature: AWS_IAM.
  authorization_type = "NONE"

  package                 = var.container ? null : var.package
  create_repository       = var.container
  image_tag               = var.image_tag
  repository_force_delete = true

  architecture         = var.architecture
  invoke_mode          = var.invoke_mode
  reserved_concurrency = var.reserved_concurrency

  keys = var.keys
}
