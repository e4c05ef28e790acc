# The two modules fit together: what one puts out, the other takes.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { region = "eu-west-1" }
  }

  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-west-1a", "eu-west-1b"] }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/board" }
  }

  mock_resource "aws_db_instance" {
    defaults = {
      address            = "board.abc.eu-west-1.rds.amazonaws.com"
      master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-1", kms_key_id = "", secret_status = "active" }]
    }
  }
}

# What is not known before the first apply is no obstacle to its plan.
run "the_first_plan" {
  command = plan
}

run "the_first_apply" {
  assert {
    condition     = module.board.lambda_name == "board" && module.database.host == "board.abc.eu-west-1.rds.amazonaws.com"
    error_message = "The server has a database."
  }
}
