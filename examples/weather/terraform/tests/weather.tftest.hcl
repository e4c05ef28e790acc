# Run by `terraform test`, without an account: nothing is asked of AWS.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/weather" }
  }

  mock_resource "aws_lambda_function_url" {
    defaults = { function_url = "https://abc.lambda-url.eu-west-1.on.aws/" }
  }

  mock_resource "aws_ecr_repository" {
    defaults = { repository_url = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/weather" }
  }
}

run "a_package" {
  variables {
    package = "README.md" # Any file will do: nobody opens it.
  }

  assert {
    condition     = output.lambda_name == "weather" && output.mcp_url == "https://abc.lambda-url.eu-west-1.on.aws/mcp"
    error_message = "The outputs say where the server is."
  }
}

run "a_repository_to_push_to" {
  variables {
    container = true
  }

  assert {
    condition     = output.repository_url == "123456789012.dkr.ecr.eu-west-1.amazonaws.com/weather" && output.mcp_url == null
    error_message = "The first apply makes the repository alone."
  }
}

run "an_image" {
  variables {
    container    = true
    image_tag    = "latest"
    architecture = "x86_64"
  }

  assert {
    condition     = output.mcp_url == "https://abc.lambda-url.eu-west-1.on.aws/mcp"
    error_message = "The second apply makes the function."
  }
}
