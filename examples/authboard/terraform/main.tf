# The board for callers with a token on AWS Lambda, with a private PostgreSQL.
# Terraform builds nothing: README.md has the command that makes the package.

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

  name          = var.name
  database_name = "board"
  username      = "board"
  # The keys of the identity provider are on the internet, and so is Secrets
  # Manager then.
  internet_egress     = true
  secrets_endpoint    = false
  proxy               = var.proxy
  deletion_protection = var.deletion_protection
  skip_final_snapshot = var.skip_final_snapshot
}

module "authboard" {
  source = "../../../deploy/terraform/function"

  name = var.name
  # Anyone may call, and the server asks for a token.
  authorization_type = "NONE"

  package      = var.package
  architecture = var.architecture
  invoke_mode  = var.invoke_mode
  # An instance holds one connection, and the database has some eighty.
  reserved_concurrency = var.reserved_concurrency

  vpc     = module.database.vpc
  secrets = module.database.secrets
  environment = merge(module.database.environment, var.identity_provider, {
    # The function cannot know its URL before it is there. Until it is told,
    # nobody's token is for this server.
    PUBLIC_URL = coalesce(var.public_url, "https://not-yet.invalid")
  })

  keys = var.keys
}
