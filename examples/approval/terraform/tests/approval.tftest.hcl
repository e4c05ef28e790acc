# Run by `terraform test`, without an account: nothing is asked of AWS.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/approval" }
  }

  mock_resource "aws_lambda_function_url" {
    defaults = { function_url = "https://abc.lambda-url.eu-west-1.on.aws/" }
  }
}

run "a_function_with_tasks" {
  variables {
    package = "README.md" # Any file will do: nobody opens it.
  }

  assert {
    condition     = output.tasks_table_name == "approval-tasks" && output.mcp_url == "https://abc.lambda-url.eu-west-1.on.aws/mcp"
    error_message = "The outputs say where the server and its table are."
  }
}
