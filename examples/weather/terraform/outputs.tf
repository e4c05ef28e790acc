output "function_url" {
  description = "URL of the function."
  value       = module.weather.function_url
}

output "mcp_url" {
  description = "MCP endpoint, to give to clients."
  value       = module.weather.function_url == null ? null : "${trimsuffix(module.weather.function_url, "/")}/mcp"
}

output "lambda_name" {
  description = "Name of the function."
  value       = module.weather.lambda_name
}

output "repository_url" {
  description = "URL to push images to, when container is set."
  value       = module.weather.repository_url
}

output "role_name" {
  description = "Name of the function's role."
  value       = module.weather.role_name
}
