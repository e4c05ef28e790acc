variable "name" {
  description = "Name of the function and of the database."
  type        = string
  default     = "authboard"
}

variable "region" {
  description = "Region to deploy to. The region of your AWS profile by default."
  type        = string
  default     = null
}

variable "public_url" {
  description = "Where clients find the server, without /mcp: the output function_url of the first apply, or a domain of your own. Without it every token is refused."
  type        = string
  default     = null

  validation {
    condition     = var.public_url == null || startswith(coalesce(var.public_url, "-"), "https://")
    error_message = "The public URL begins with https://."
  }
}

variable "identity_provider" {
  description = "Environment variables that say who vouches for callers, such as OIDC_ISSUER, none of them secret."
  type        = map(string)

  validation {
    condition     = contains(keys(var.identity_provider), "OIDC_ISSUER") || contains(keys(var.identity_provider), "AUTH_PROVIDER")
    error_message = "Somebody has to vouch for callers: give OIDC_ISSUER, or AUTH_PROVIDER and its variables."
  }
}

variable "package" {
  description = "Package that `mcpengine package` wrote."
  type        = string
  default     = "authboard.zip"
}

variable "architecture" {
  description = "Instruction set the package was built for: arm64 or x86_64."
  type        = string
  default     = "arm64"
}

variable "invoke_mode" {
  description = "How answers travel: BUFFERED or RESPONSE_STREAM."
  type        = string
  default     = "BUFFERED"
}

variable "reserved_concurrency" {
  description = "Most requests served at once, which bounds the connections to the database; -1, the default, sets no bound but the account's."
  type        = number
  default     = -1
}

variable "proxy" {
  description = "Whether to put RDS Proxy between the function and the database, which costs by the hour."
  type        = bool
  default     = false
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

variable "keys" {
  description = "Keys that protect answers to questions and cursors of lists (openssl rand -base64 32). Each instance has a random one by default."
  type        = string
  default     = null
  sensitive   = true
}
