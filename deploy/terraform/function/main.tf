locals {
  # By what is asked for and not by URIs, which the first plan does not know.
  deployed = var.package != null || var.image_uri != null || var.image_tag != null

  image_uri = var.image_tag == null ? var.image_uri : "${aws_ecr_repository.server[0].repository_url}:${var.image_tag}"

  # A request does not say how its answer has to travel, so the server is told.
  # When the two differ, clients find the stream's framing in their answers.
  lambda_mode = {
    BUFFERED        = "buffered"
    RESPONSE_STREAM = "stream"
  }
}

resource "aws_lambda_function" "server" {
  count = local.deployed ? 1 : 0

  function_name = var.name
  description   = "MCP server, built with MCPEngine."
  role          = aws_iam_role.server.arn
  architectures = [var.architecture]
  memory_size   = var.memory_size
  timeout       = var.timeout

  package_type     = var.package != null ? "Zip" : "Image"
  filename         = var.package
  source_code_hash = var.package != null ? filebase64sha256(var.package) : null
  runtime          = var.package != null ? "provided.al2023" : null
  handler          = var.package != null ? "bootstrap" : null
  image_uri        = local.image_uri

  reserved_concurrent_executions = var.reserved_concurrency

  environment {
    variables = merge(var.environment, var.secrets, var.keys == null ? {} : { MCPENGINE_KEYS = var.keys }, var.tasks == null ? {} : { MCPENGINE_TASKS_TABLE = aws_dynamodb_table.tasks[0].name }, {
      MCPENGINE_LAMBDA_MODE = local.lambda_mode[var.invoke_mode]
    })
  }

  dynamic "vpc_config" {
    for_each = var.vpc[*]

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  tags = var.tags

  # Or the first request makes a log group that keeps its logs forever, or finds
  # that it may not write to one, or that it has no network.
  depends_on = [
    aws_cloudwatch_log_group.server,
    aws_iam_role_policy.logs,
    aws_iam_role_policy.secrets,
    aws_iam_role_policy.tasks,
    aws_iam_role_policy_attachment.vpc,
  ]
}

resource "aws_cloudwatch_log_group" "server" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}
