# The board on AWS Lambda with a private PostgreSQL. Terraform builds nothing:
# README.md has the command that makes the package.

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

module "database" {
  source = "../../../deploy/terraform/database"

  name                = var.name
  database_name       = "board"
  username            = "board"
  proxy               = var.proxy
  deletion_protection = var.deletion_protection
  skip_final_snapshot = var.skip_final_snapshot
}

module "board" {
  source = "../../../deploy/terraform/function"

  name = var.name
  # Anyone may post, under any name. authboard asks for a token.
  authorization_type = "NONE"

  package      = var.package
  architecture = var.architecture
  invoke_mode  = var.invoke_mode
  # An instance holds one connection, and the database has some eighty.
  reserved_concurrency = var.reserved_concurrency

  vpc         = module.database.vpc
  environment = module.database.environment
  secrets     = module.database.secrets

  keys = var.keys
}
