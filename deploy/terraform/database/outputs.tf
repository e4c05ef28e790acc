locals {
  host       = var.proxy ? aws_db_proxy.proxy[0].endpoint : aws_db_instance.database.address
  secret_arn = aws_db_instance.database.master_user_secret[0].secret_arn
}

output "host" {
  description = "Host to connect to: the proxy's when there is one, the database's otherwise."
  value       = local.host
}

output "port" {
  description = "Port to connect to."
  value       = local.port
}

output "database_name" {
  description = "Name of the database in the instance."
  value       = var.database_name
}

output "secret_arn" {
  description = "ARN of the secret with user name and password: a JSON object with the members username and password."
  value       = local.secret_arn
}

output "security_group_id" {
  description = "Security group to put functions into: it is the one that reaches the database."
  value       = aws_security_group.function.id
}

output "subnet_ids" {
  description = "Private subnets of the database, where functions run as well."
  value       = local.subnet_ids
}

output "vpc_id" {
  description = "Network of the database."
  value       = local.vpc_id
}

output "vpc" {
  description = "The function module's variable vpc."
  value = {
    subnet_ids         = local.subnet_ids
    security_group_ids = [aws_security_group.function.id]
  }
}

output "environment" {
  description = "For the function module's variable environment: DB_HOST, DB_PORT, DB_NAME, PGSSLMODE and PGSSLROOTCERT."
  value = { for name, value in {
    DB_HOST = local.host
    DB_PORT = tostring(local.port)
    DB_NAME = var.database_name
    # Only a server with a certificate for its host gets the password. RDS has an
    # authority of its own, and RDS Proxy one that systems know.
    PGSSLMODE     = "verify-full"
    PGSSLROOTCERT = var.proxy ? null : "/var/task/global-bundle.pem"
  } : name => value if value != null }
}

output "secrets" {
  description = "For the function module's variable secrets: DB_SECRET_ARN."
  value = {
    DB_SECRET_ARN = local.secret_arn
  }
}
