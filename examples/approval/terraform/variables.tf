variable "name" {
  description = "Name of the function."
  type        = string
  default     = "approval"
}

variable "region" {
  description = "Region to deploy to. The region of your AWS profile by default."
  type        = string
  default     = null
}

variable "package" {
  description = "Package that `mcpengine package` wrote."
  type        = string
  default     = "approval.zip"
}

variable "keys" {
  description = "Keys that protect answers to questions and cursors of lists (openssl rand -base64 32). Each instance has a random one by default."
  type        = string
  default     = null
  sensitive   = true
}

variable "deletion_protection" {
  description = "Whether the table of tasks and reports cannot be deleted."
  type        = bool
  default     = true
}
