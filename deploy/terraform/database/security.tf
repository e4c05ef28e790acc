# Who may talk to whom. Every rule lets one security group through to another;
# no rule names an address, but for the way out to the internet.

locals {
  # What functions connect to, and what connects to the database.
  front   = var.proxy ? aws_security_group.proxy[0].id : aws_security_group.database.id
  visitor = var.proxy ? aws_security_group.proxy[0].id : aws_security_group.function.id
  port    = 5432
}

# Worn by the functions that use the database: nothing connects to it.
resource "aws_security_group" "function" {
  name        = "${var.name}-function"
  description = "Functions that use the database ${var.name}."
  vpc_id      = local.vpc_id
  tags        = var.tags
}

resource "aws_vpc_security_group_egress_rule" "function_to_database" {
  security_group_id            = aws_security_group.function.id
  description                  = "PostgreSQL, to the database or its proxy"
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
  referenced_security_group_id = local.front
}

resource "aws_vpc_security_group_egress_rule" "function_to_secrets" {
  count = var.secrets_endpoint ? 1 : 0

  security_group_id            = aws_security_group.function.id
  description                  = "HTTPS, to Secrets Manager"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.secrets[0].id
}

resource "aws_vpc_security_group_egress_rule" "function_to_internet" {
  count = var.internet_egress ? 1 : 0

  security_group_id = aws_security_group.function.id
  description       = "HTTPS, to the internet"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_security_group" "database" {
  name        = var.name
  description = "The database ${var.name}."
  vpc_id      = local.vpc_id
  tags        = var.tags
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  security_group_id            = aws_security_group.database.id
  description                  = "PostgreSQL, from functions or the proxy"
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
  referenced_security_group_id = local.visitor
}

resource "aws_security_group" "secrets" {
  count = var.secrets_endpoint ? 1 : 0

  name        = "${var.name}-secrets"
  description = "The endpoint of Secrets Manager for ${var.name}."
  vpc_id      = local.vpc_id
  tags        = var.tags
}

resource "aws_vpc_security_group_ingress_rule" "secrets" {
  count = var.secrets_endpoint ? 1 : 0

  security_group_id            = aws_security_group.secrets[0].id
  description                  = "HTTPS, from functions"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.function.id
}
