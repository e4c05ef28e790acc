variable "name" {
  description = "Name of the function, and of all that belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,62}[a-z0-9]$", var.name))
    error_message = "A name is 2 to 64 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "authorization_type" {
  description = "Who may call the function URL: NONE, anyone (the server itself may still ask for a token), or AWS_IAM, callers that sign their requests. Required, because neither is right for everybody."
  type        = string

  validation {
    condition     = contains(["NONE", "AWS_IAM"], var.authorization_type)
    error_message = "The authorization type is NONE or AWS_IAM."
  }
}

variable "package" {
  description = "Path of the zip file with the bootstrap in it, as `mcpengine package` writes it. Or give an image."
  type        = string
  default     = null

  validation {
    condition     = var.package == null || try(fileexists(var.package), false)
    error_message = "There is no such package. Terraform builds nothing: run `mcpengine package DIR -o FILE` first."
  }
}

variable "image_uri" {
  description = "Container image in place of a package, from a repository of your own in the same region."
  type        = string
  default     = null

  validation {
    condition     = var.image_uri == null || var.package == null
    error_message = "A function has a package or an image, not both."
  }
}

variable "create_repository" {
  description = "Whether to create an ECR repository of the function's name. Without image_tag the first apply stops there, so that an image can be pushed."
  type        = bool
  default     = false

  validation {
    condition     = var.create_repository || var.package != null || var.image_uri != null
    error_message = "There is nothing to deploy: give package, image_uri or create_repository."
  }

  validation {
    condition     = !var.create_repository || (var.package == null && var.image_uri == null)
    error_message = "A repository is of no use to a function that has a package or an image from elsewhere."
  }
}

variable "image_tag" {
  description = "Tag of the image in the created repository."
  type        = string
  default     = null

  validation {
    condition     = var.image_tag == null || var.create_repository
    error_message = "image_tag names an image in the created repository: set create_repository, or give image_uri."
  }
}

variable "repository_force_delete" {
  description = "Whether `terraform destroy` deletes the repository with the images in it."
  type        = bool
  default     = false
}

variable "architecture" {
  description = "Instruction set the package or image was built for: arm64 or x86_64."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "The architecture is arm64 or x86_64."
  }
}

variable "invoke_mode" {
  description = "How answers travel: BUFFERED, whole and up to 6 MB, or RESPONSE_STREAM, as they are written, so that notifications arrive during a call."
  type        = string
  default     = "BUFFERED"

  validation {
    condition     = contains(["BUFFERED", "RESPONSE_STREAM"], var.invoke_mode)
    error_message = "The invoke mode is BUFFERED or RESPONSE_STREAM."
  }
}

variable "memory_size" {
  description = "Memory in MB. The share of a CPU grows with it: 1769 MB are one."
  type        = number
  default     = 256

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240 && floor(var.memory_size) == var.memory_size
    error_message = "The memory is a whole number of MB from 128 to 10240."
  }
}

variable "timeout" {
  description = "Seconds a request may take."
  type        = number
  default     = 30

  validation {
    condition     = var.timeout >= 1 && var.timeout <= 900 && floor(var.timeout) == var.timeout
    error_message = "The timeout is a whole number of seconds from 1 to 900."
  }
}

variable "reserved_concurrency" {
  description = "Most requests served at once, which bounds what strangers can cost and database connections; -1, the default, sets no bound but the account's. A new account may have no concurrency to reserve."
  type        = number
  default     = -1

  validation {
    condition     = var.reserved_concurrency >= -1 && floor(var.reserved_concurrency) == var.reserved_concurrency
    error_message = "The reserved concurrency is a whole number, or -1 for no bound."
  }
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 14

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch Logs keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "environment" {
  description = "Environment variables. Anyone who may read the function's configuration, or the Terraform state, reads these: put a secret's ARN into secrets instead."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[a-zA-Z][a-zA-Z0-9_]*$", name))])
    error_message = "The name of an environment variable is letters, digits and underscores, and begins with a letter."
  }

  validation {
    condition     = !anytrue([for name in keys(var.environment) : contains(["MCPENGINE_KEYS", "MCPENGINE_LAMBDA_MODE", "MCPENGINE_TASKS_TABLE", "MCPENGINE_TRANSPORT"], name)])
    error_message = "MCPENGINE_KEYS is given by keys, MCPENGINE_LAMBDA_MODE follows invoke_mode, MCPENGINE_TASKS_TABLE follows tasks, and MCPENGINE_TRANSPORT would take the server off Lambda: leave them out."
  }

  # The ARN of a secret, and the place of a token, may be read by anyone.
  validation {
    condition = !anytrue([
      for name in keys(var.environment) :
      can(regex("(?i)(passw|secret|token|credential|(api|private)_?key)", name)) && !can(regex("(?i)_(arn|url|uri|name)$", name))
    ])
    error_message = "That looks like a secret. Put it into Secrets Manager and its ARN into secrets."
  }
}

variable "secrets" {
  description = "Secrets of AWS Secrets Manager that the function may read: name of an environment variable to ARN. The variable holds the ARN; the program asks for the value."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for arn in values(var.secrets) : can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+$", arn))])
    error_message = "A secret is given by its ARN, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME, never by its value."
  }

  validation {
    condition     = length(setintersection(keys(var.secrets), concat(keys(var.environment), ["MCPENGINE_KEYS", "MCPENGINE_LAMBDA_MODE", "MCPENGINE_TASKS_TABLE", "MCPENGINE_TRANSPORT"]))) == 0
    error_message = "A name in secrets is taken by environment or by MCPEngine."
  }
}

variable "keys" {
  description = "Keys that protect answers to questions and cursors of lists, 32 bytes each in base64 (openssl rand -base64 32), separated by commas; the first one seals. Without them each instance of the function has a random one, and refuses what another gave out. The function's configuration and the Terraform state hold them."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.keys == null || alltrue([for key in split(",", coalesce(var.keys, "-")) : can(regex("^([A-Za-z0-9+/_-]{43}=?|[0-9a-fA-F]{64})$", trimspace(key)))])
    error_message = "A key is 32 bytes in base64 or hexadecimal, such as `openssl rand -base64 32` prints; several are separated by commas."
  }
}

variable "secrets_kms_key_arns" {
  description = "Keys of your own that the secrets are encrypted with; none are needed for the key of AWS."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.secrets_kms_key_arns : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", arn))])
    error_message = "A key is given by its ARN, arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
}

variable "tasks" {
  description = "Durable tasks: a DynamoDB table named NAME-tasks, whose name the server finds in MCPENGINE_TASKS_TABLE, and the right to use it and to go on in invocations of itself. {} has the defaults: a schedule that wakes overdue tasks once a minute (\"\": none; they wait until a client asks), a table that cannot be deleted, and no backups for point-in-time recovery."
  type = object({
    schedule               = optional(string, "rate(1 minute)")
    deletion_protection    = optional(bool, true)
    point_in_time_recovery = optional(bool, false)
  })
  default = null

  validation {
    condition     = try(var.tasks.schedule, "") == "" || can(regex("^(rate|cron)\\(.+\\)$", var.tasks.schedule))
    error_message = "A schedule is one of EventBridge: rate(1 minute), cron(...)."
  }
}

variable "vpc" {
  description = "Private subnets and security groups to run in, to reach a database for example. A function in a VPC reaches the internet only by a NAT gateway."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
  default = null

  validation {
    condition     = var.vpc == null || try(length(var.vpc.subnet_ids) > 0 && length(var.vpc.security_group_ids) > 0, false)
    error_message = "A function in a VPC needs a subnet and a security group at least."
  }
}

variable "tags" {
  description = "Tags of everything created. Leave out mcpengine:managed-by, which marks what `mcpengine deploy` owns."
  type        = map(string)
  default     = {}

  validation {
    condition     = !contains(keys(var.tags), "mcpengine:managed-by")
    error_message = "mcpengine:managed-by marks what `mcpengine deploy` owns, and would let `mcpengine destroy` delete what is Terraform's."
  }
}
