output "function_url" {
  description = "URL of the function."
  value       = module.approval.function_url
}

output "mcp_url" {
  description = "MCP endpoint, to give to clients."
  value       = module.approval.function_url == null ? null : "${trimsuffix(module.approval.function_url, "/")}/mcp"
}

output "lambda_name" {
  description = "Name of the function."
  value       = module.approval.lambda_name
}

output "role_name" {
  description = "Name of the function's role."
  value       = module.approval.role_name
}

output "tasks_table_name" {
  description = "Table of the tasks and the reports."
  value       = module.approval.tasks_table_name
}
