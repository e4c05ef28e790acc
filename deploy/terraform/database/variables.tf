variable "name" {
  description = "Name of the database instance, and of all that belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z](-?[a-z0-9]){1,47}$", var.name))
    error_message = "A name is 2 to 48 lower-case letters, digits and single hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "vpc" {
  description = "Network to use: private subnets in two availability zones at least. Without it the module makes one that nothing on the internet can reach."
  type = object({
    id         = string
    subnet_ids = list(string)
  })
  default = null

  validation {
    condition     = var.vpc == null || try(length(var.vpc.subnet_ids) >= 2, false)
    error_message = "A database needs subnets in two availability zones at least."
  }
}

variable "cidr_block" {
  description = "Addresses of the network that the module makes, at least a /24."
  type        = string
  default     = "10.64.0.0/24"

  validation {
    condition     = can(cidrhost(var.cidr_block, 0)) && try(tonumber(split("/", var.cidr_block)[1]) >= 16 && tonumber(split("/", var.cidr_block)[1]) <= 24, false)
    error_message = "The addresses are an IPv4 block from /16 to /24, such as 10.64.0.0/24."
  }
}

variable "internet_egress" {
  description = "Whether the module's network lets functions out to the internet, through a NAT gateway that costs by the hour: for the keys of an identity provider, for example. Nothing comes in either way."
  type        = bool
  default     = false

  validation {
    condition     = !var.internet_egress || var.vpc == null
    error_message = "internet_egress is for the network that the module makes; your own needs a NAT gateway of its own."
  }
}

variable "secrets_endpoint" {
  description = "Whether to make a VPC endpoint for Secrets Manager, without which a function in a private network cannot read the password. Not needed with internet_egress or where the network has one."
  type        = bool
  default     = true
}

variable "engine_version" {
  description = "Version of PostgreSQL. A major version alone follows its minor versions."
  type        = string
  default     = "17"

  validation {
    condition     = can(regex("^1[5-9](\\.[0-9]+)?$", var.engine_version))
    error_message = "PostgreSQL 15 and newer refuse connections without TLS on RDS; older versions would accept them."
  }
}

variable "instance_class" {
  description = "Size of the instance, which also bounds its connections."
  type        = string
  default     = "db.t4g.micro"

  validation {
    condition     = startswith(var.instance_class, "db.")
    error_message = "An instance class begins with db., such as db.t4g.micro."
  }
}

variable "allocated_storage" {
  description = "Storage in GB."
  type        = number
  default     = 20

  validation {
    condition     = var.allocated_storage >= 20
    error_message = "The storage is 20 GB at least."
  }
}

variable "max_allocated_storage" {
  description = "Storage in GB that the database may grow to by itself."
  type        = number
  default     = 100

  validation {
    condition     = var.max_allocated_storage >= var.allocated_storage
    error_message = "The storage cannot grow to less than allocated_storage."
  }
}

variable "database_name" {
  description = "Name of the database in the instance."
  type        = string
  default     = "app"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database_name))
    error_message = "The name of a database is up to 63 lower-case letters, digits and underscores, and begins with a letter."
  }
}

variable "username" {
  description = "Name of the master user. RDS makes up the password, keeps it in Secrets Manager and changes it every seven days."
  type        = string
  default     = "app"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.username)) && !contains(["admin", "rdsadmin", "postgres"], var.username)
    error_message = "A user name is up to 63 lower-case letters, digits and underscores, begins with a letter, and is none of admin, rdsadmin and postgres."
  }
}

variable "multi_az" {
  description = "Whether a standby in another availability zone takes over when the instance fails."
  type        = bool
  default     = false
}

variable "backup_retention_days" {
  description = "Days that backups are kept."
  type        = number
  default     = 7

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "Backups are kept for 1 to 35 days."
  }
}

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the database. Set it to false, and apply, before `terraform destroy`."
  type        = bool
  default     = true
}

variable "skip_final_snapshot" {
  description = "Whether the database is deleted without a last snapshot."
  type        = bool
  default     = false
}

variable "kms_key_arn" {
  description = "Key of your own to encrypt the storage with. The key of AWS does it otherwise."
  type        = string
  default     = null
}

variable "proxy" {
  description = "Whether to put RDS Proxy in front, which shares few connections among many functions, and costs by the hour."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of everything created."
  type        = map(string)
  default     = {}
}
