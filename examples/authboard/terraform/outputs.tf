output "function_url" {
  description = "URL of the function, to give back as public_url."
  value       = module.authboard.function_url
}

output "mcp_url" {
  description = "MCP endpoint, to give to clients."
  value       = "${trimsuffix(module.authboard.function_url, "/")}/mcp"
}

output "lambda_name" {
  description = "Name of the function."
  value       = module.authboard.lambda_name
}

output "role_name" {
  description = "Name of the function's role."
  value       = module.authboard.role_name
}
