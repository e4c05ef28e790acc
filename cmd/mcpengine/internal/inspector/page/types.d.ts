// What the inspector's API sends, as docs/inspector.md and the package describe it. The
// page never loads this file: tsc reads it.

export interface Identity { name: string; subject?: string; scopes?: string[]; roles?: string[] }

export interface Build { state: "ok" | "building" | "failed" | "none"; output?: string; milliseconds?: number; at?: string }

export interface Icon { src: string; mimeType?: string }

export interface State {
  name: string;
  target: { kind: "url" | "command" | "dev"; text: string };
  connected: boolean;
  error: string;
  server: { name?: string; version?: string; title?: string; description?: string; websiteUrl?: string; icons?: Icon[] } | null;
  instructions: string;
  capabilities: Record<string, unknown> | null;
  version: string;
  versions: string[];
  identity: string;
  identities: Identity[];
  build: Build;
  sandbox: string;
  recording: boolean;
  tasks: boolean;
  completions: boolean;
  subscriptions: boolean;
  subscribed: string[];
}

export interface Policy { kind: string; name: string; tokens?: number; who: string; why: string; except?: string[] }

export interface Definition {
  name: string;
  title?: string;
  description?: string;
  uri?: string;
  uriTemplate?: string;
  mimeType?: string;
  size?: number;
  inputSchema?: Schema;
  outputSchema?: Schema;
  arguments?: { name: string; title?: string; description?: string; required?: boolean }[];
  annotations?: { title?: string; readOnlyHint?: boolean; destructiveHint?: boolean; idempotentHint?: boolean; openWorldHint?: boolean; audience?: string[]; priority?: number };
  _meta?: { ui?: { resourceUri?: string; visibility?: string[] }; "ui/resourceUri"?: string; [key: string]: unknown };
}

export type Kind = "tool" | "resource" | "template" | "prompt";

/** A feature of the server. The key is the kind, a colon, and the name or URI. */
export interface Feature { key: string; kind: Kind; id: string; definition: Definition; tokens?: number; policy?: Policy | null }

export interface Features {
  tools: Feature[];
  resources: Feature[];
  templates: Feature[];
  prompts: Feature[];
  totalTokens: number;
  policySource: string;
}

export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  enumNames?: string[];
  format?: string;
  pattern?: string;
  contentEncoding?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
  items?: Schema | boolean;
  prefixItems?: Schema[];
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  properties?: Record<string, Schema | boolean>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  propertyNames?: Schema;
  minProperties?: number;
  maxProperties?: number;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  nullable?: boolean;
  writeOnly?: boolean;
  $ref?: string;
  $defs?: Record<string, Schema>;
  definitions?: Record<string, Schema>;
  "x-sensitive"?: boolean;
}

export interface Content {
  type: string;
  text?: string;
  data?: string;
  mimeType?: string;
  uri?: string;
  name?: string;
  title?: string;
  description?: string;
  size?: number;
  resource?: ResourceContents;
  annotations?: { audience?: string[]; priority?: number; lastModified?: string };
}

export interface ResourceContents { uri: string; mimeType?: string; text?: string; blob?: string; _meta?: any }

/** A result of any method: the members that the page shows in a way of their own. */
export interface Result {
  resultType?: string;
  content?: Content[];
  structuredContent?: unknown;
  isError?: boolean;
  contents?: ResourceContents[];
  description?: string;
  messages?: { role: string; content: Content | Content[] }[];
  [key: string]: unknown;
}

export interface Task {
  taskId: string;
  status: string;
  statusMessage?: string;
  createdAt?: string;
  lastUpdatedAt?: string;
  ttlMs?: number;
  pollIntervalMs?: number;
  pollInterval?: number;
  inputRequests?: Record<string, { method: string; params: any }>;
  result?: Result;
  error?: { code: number; message: string; data?: unknown };
}

export interface Question { question: string; kind: "form" | "url" | "sampling" | "roots"; message?: string; schema?: Schema; url?: string; params?: any }

export interface Answer { action: "accept" | "decline" | "cancel"; content?: unknown }

export type Reply =
  | { type: "started"; request: string }
  | { type: "progress"; progress: number; total?: number; message?: string }
  | { type: "log"; level: string; logger?: string; data: unknown }
  | ({ type: "question" } & Question)
  | { type: "task"; task: Task }
  | { type: "result"; result: Result; milliseconds: number; bytes: number }
  | { type: "error"; code: number; message: string; data?: unknown; milliseconds: number };

export interface Message {
  type: "message";
  seq: number;
  time: string;
  direction: "sent" | "received";
  exchange?: string;
  request?: string;
  method?: string;
  httpMethod?: string;
  url?: string;
  error?: string;
  truncated?: boolean;
  id?: unknown;
  status?: number;
  bytes: number;
  milliseconds?: number;
  headers?: Record<string, string>;
  body: any;
}

/** What happens: each has a number, from which a lost connection goes on. */
export type Event = { seq: number } & (
  | Message
  | { type: "changed"; kind: string; added?: string[]; removed?: string[]; changed?: string[] }
  | { type: "updated"; uri: string }
  | { type: "state"; state: State }
  | ({ type: "question" } & Question)
  | { type: "answered"; question: string }
  | { type: "lost"; count: number }
  | { type: "log"; level: string; logger?: string; data: unknown });
