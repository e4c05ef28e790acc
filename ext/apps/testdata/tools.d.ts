// Generated from the tools of the server. DO NOT EDIT.

/** The arguments of get_messages. Does it. * / */
export type GetMessagesArguments = Record<string, never>;

/** The structured content of get_messages. */
export interface GetMessagesContent {
  /** newest first */
  messages: {
    id: number;
  }[];
  "next-page": string | null;
  extra?: unknown;
}

export interface UnionsArgumentsNode {
  next?: UnionsArgumentsNode;
  root?: UnionsArguments;
}

/** The arguments of unions. Does it. * / */
export interface UnionsArguments {
  a?: string | number;
  b?: UnionsArgumentsNode & {
    x?: null;
  };
  c?: "a|b" | 1 | null | true;
  d?: (string | boolean)[];
  e?: [string?, (number | null)?];
  f?: [string?, ...unknown[]];
  g?: Record<string, string[]>;
  h?: {
    x?: string;
  } & Record<string, unknown>;
  i?: never;
  j?: unknown;
  k?: unknown;
  l?: unknown;
  m?: {
    x?: unknown;
  };
}

/** The arguments of number. Does it. * / */
export type NumberArguments = Record<string, never>;

/** The structured content of number. */
export type NumberContent = number | { result: number };

/** The arguments of list-all. Does it. * / */
export type ListAllArguments = Record<string, never>;

export type ListAllContentItem = string;

/** The structured content of list-all. */
export type ListAllContent = ListAllContentItem[] | { result: ListAllContentItem[] };

/** The arguments of 3d. Does it. * / */
export type T3dArguments = Record<string, never>;

/** The structured content of 3d. */
export type T3dContent = unknown | { result: unknown };

/** The tools by their names. */
export interface Tools {
  get_messages: { arguments: GetMessagesArguments; content: GetMessagesContent };
  unions: { arguments: UnionsArguments; content: undefined };
  number: { arguments: NumberArguments; content: NumberContent };
  "list-all": { arguments: ListAllArguments; content: ListAllContent };
  "3d": { arguments: T3dArguments; content: T3dContent };
}
