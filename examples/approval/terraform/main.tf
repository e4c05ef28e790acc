# The approval on AWS Lambda, with its tasks and reports in DynamoDB. Terraform
# builds nothing: README.md has the command that makes the package.

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

module "approval" {
  source = "../../../deploy/terraform/function"

  name = var.name
  # Callers sign their requests: whoever has the URL could approve reports.
  authorization_type = "AWS_IAM"

  package = var.package
  keys    = var.keys

  # A chapter takes 20 seconds, and a step has to fit into one invocation.
  timeout = 60
  tasks   = { deletion_protection = var.deletion_protection }
}
