# A server with a database, made of both modules.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.28, < 7.0"
    }
  }
}

module "database" {
  source = "../../../../deploy/terraform/database"

  name = "board"
}

module "board" {
  source = "../../../../deploy/terraform/function"

  name               = "board"
  package            = "board.zip"
  authorization_type = "NONE"

  vpc         = module.database.vpc
  environment = module.database.environment
  secrets     = module.database.secrets
}
