# Run by `terraform test`, without an account: nothing is asked of AWS.

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

  mock_resource "aws_db_proxy" {
    defaults = { endpoint = "board.proxy-abc.eu-west-1.rds.amazonaws.com" }
  }

  mock_resource "aws_lambda_function_url" {
    defaults = { function_url = "https://abc.lambda-url.eu-west-1.on.aws/" }
  }
}

variables {
  package = "README.md" # Any file will do: nobody opens it.
}

run "a_function_and_its_database" {
  assert {
    condition     = output.lambda_name == "board" && output.mcp_url == "https://abc.lambda-url.eu-west-1.on.aws/mcp"
    error_message = "The outputs say where the server is."
  }
  assert {
    condition     = module.database.environment == { DB_HOST = "board.abc.eu-west-1.rds.amazonaws.com", DB_PORT = "5432", DB_NAME = "board", PGSSLMODE = "verify-full", PGSSLROOTCERT = "/var/task/global-bundle.pem" }
    error_message = "The server is told where the database is."
  }
}

run "a_proxy_between_them" {
  variables {
    proxy = true
  }

  assert {
    condition     = module.database.host == "board.proxy-abc.eu-west-1.rds.amazonaws.com"
    error_message = "The server is sent to the proxy."
  }
}
