// Generated from the tools of the server. DO NOT EDIT.

/** The arguments of post_message. Post a message to the board. */
export interface PostMessageArguments {
  /** who posts the message */
  username: string;
  /** the message */
  text: string;
}

/** The arguments of get_messages. Return the ten most recent messages, newest first. */
export type GetMessagesArguments = Record<string, never>;

/** The structured content of get_messages. */
export interface GetMessagesContent {
  messages: {
    id: number;
    username: string;
    text: string;
    /** when it was posted */
    timestamp: string;
  }[];
}

/** The arguments of newer_messages. Return the recent messages after one of them, newest first. */
export interface NewerMessagesArguments {
  /** the number of the message that was read last */
  after: number;
}

/** The structured content of newer_messages. */
export interface NewerMessagesContent {
  messages: {
    id: number;
    username: string;
    text: string;
    /** when it was posted */
    timestamp: string;
  }[];
}

/** The tools by their names. */
export interface Tools {
  post_message: { arguments: PostMessageArguments; content: undefined };
  get_messages: { arguments: GetMessagesArguments; content: GetMessagesContent };
  newer_messages: { arguments: NewerMessagesArguments; content: NewerMessagesContent };
}
