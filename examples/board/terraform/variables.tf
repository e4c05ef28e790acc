variable "name" {
  description = "Name of the function and of the database."
  type        = string
  default     = "board"
}

variable "region" {
  description = "Region to deploy to. The region of your AWS profile by default."
  type        = string
  default     = null
}

variable "package" {
  description = "Package that `mcpengine package` wrote."
  type        = string
  default     = "board.zip"
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
