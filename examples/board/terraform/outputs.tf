output "function_url" {
  description = "URL of the function."
  value       = module.board.function_url
}

output "mcp_url" {
  description = "MCP endpoint, to give to clients."
  value       = "${trimsuffix(module.board.function_url, "/")}/mcp"
}

output "lambda_name" {
  description = "Name of the function."
  value       = module.board.lambda_name
}

output "role_name" {
  description = "Name of the function's role."
  value       = module.board.role_name
}
