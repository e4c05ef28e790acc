# Durable tasks (ext/tasks/aws): a table that keeps them, the right of the
# function to use it and to invoke itself, and a rule that wakes what is overdue.

resource "aws_dynamodb_table" "tasks" {
  count = var.tasks == null ? 0 : 1

  name                        = "${var.name}-tasks"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "task"
  range_key                   = "part"
  deletion_protection_enabled = var.tasks.deletion_protection
  tags                        = var.tags

  dynamic "attribute" {
    for_each = { task = "S", part = "S", owner = "S", queue = "S", at = "N" }

    content {
      name = attribute.key
      type = attribute.value
    }
  }

  global_secondary_index {
    name            = "owner"
    hash_key        = "owner"
    range_key       = "task"
    projection_type = "KEYS_ONLY"
  }

  global_secondary_index {
    name            = "wake"
    hash_key        = "queue"
    range_key       = "at"
    projection_type = "KEYS_ONLY"
  }

  ttl {
    attribute_name = "ttl"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = var.tasks.point_in_time_recovery
  }

  server_side_encryption {
    enabled = true
  }
}

resource "aws_iam_role_policy" "tasks" {
  count = var.tasks == null ? 0 : 1

  name = "tasks"
  role = aws_iam_role.server.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Query"]
        Resource = aws_dynamodb_table.tasks[0].arn
      },
      {
        Effect   = "Allow"
        Action   = ["dynamodb:Query"]
        Resource = "${aws_dynamodb_table.tasks[0].arn}/index/*"
      },
      {
        # By its name: the function waits for this policy.
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = "arn:${data.aws_partition.current.partition}:lambda:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:function:${var.name}"
      },
    ]
  })
}

data "aws_region" "current" {}

# Lambda stops a function that has invoked itself 16 times in a row, which a task
# of an hour does. What bounds a task is its TTL.
resource "aws_lambda_function_recursion_config" "tasks" {
  count = var.tasks != null && local.deployed ? 1 : 0

  function_name  = aws_lambda_function.server[0].function_name
  recursive_loop = "Allow"
}

resource "aws_cloudwatch_event_rule" "tasks" {
  count = try(var.tasks.schedule, "") != "" && local.deployed ? 1 : 0

  name                = "${var.name}-tasks"
  description         = "Wakes overdue tasks of the MCP server ${var.name}."
  schedule_expression = var.tasks.schedule
  tags                = var.tags
}

resource "aws_cloudwatch_event_target" "tasks" {
  count = length(aws_cloudwatch_event_rule.tasks)

  rule  = aws_cloudwatch_event_rule.tasks[0].name
  arn   = aws_lambda_function.server[0].arn
  input = jsonencode({ "mcpengine/tasks" = { wake = true } })
}

resource "aws_lambda_permission" "tasks" {
  count = length(aws_cloudwatch_event_rule.tasks)

  statement_id  = "tasks"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.server[0].function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.tasks[0].arn
}
