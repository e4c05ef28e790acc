output "function_url" {
  description = "URL of the function, with a slash at its end; the MCP endpoint is /mcp below it. Null until there is a function."
  value       = one(aws_lambda_function_url.server[*].function_url)
}

output "lambda_name" {
  description = "Name of the function."
  value       = var.name
}

output "lambda_arn" {
  description = "ARN of the function. Null until there is one."
  value       = one(aws_lambda_function.server[*].arn)
}

output "repository_url" {
  description = "URL to push images to. Null without create_repository."
  value       = one(aws_ecr_repository.server[*].repository_url)
}

output "role_name" {
  description = "Name of the function's role: attach to it whatever else the server may do."
  value       = aws_iam_role.server.name
}

output "role_arn" {
  description = "ARN of the function's role."
  value       = aws_iam_role.server.arn
}

output "tasks_table_name" {
  description = "Table of the durable tasks. Null without tasks."
  value       = one(aws_dynamodb_table.tasks[*].name)
}

output "log_group_name" {
  description = "Log group of the function."
  value       = aws_cloudwatch_log_group.server.name
}
