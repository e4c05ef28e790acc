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
  package           = "README.md" # Any file will do: nobody opens it.
  identity_provider = { OIDC_ISSUER = "https://id.example.com" }
}

run "the_first_apply_makes_the_url" {
  assert {
    condition     = output.function_url == "https://abc.lambda-url.eu-west-1.on.aws/" && output.mcp_url == "https://abc.lambda-url.eu-west-1.on.aws/mcp"
    error_message = "The outputs say where the server is."
  }
}

run "the_second_apply_tells_the_server" {
  variables {
    public_url = "https://abc.lambda-url.eu-west-1.on.aws/"
  }

  assert {
    condition     = output.lambda_name == "authboard"
    error_message = "The server is the same."
  }
}

run "nobody_vouches" {
  command = plan
  variables {
    identity_provider = {}
  }
  expect_failures = [var.identity_provider]
}

run "a_url_in_the_clear" {
  command = plan
  variables {
    public_url = "http://board.example.com"
  }
  expect_failures = [var.public_url]
}
