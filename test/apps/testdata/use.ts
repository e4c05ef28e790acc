// Values of the declared types, and values that are not.
import type { GetMessagesContent, Tools, UnionsArguments } from "../../../ext/apps/testdata/tools";

export const content: GetMessagesContent = { messages: [{ id: 1 }], "next-page": null };
export const wrapped: Tools["number"]["content"][] = [3, { result: 3 }];
export const all: Tools["list-all"]["content"] = ["a"];
export const nothing: Tools["get_messages"]["arguments"] = {};
export const unions: UnionsArguments = {
  a: 1, b: { next: { root: {} }, x: null }, c: "a|b", d: ["a", true], e: ["a", null], f: ["a", 1], g: { a: ["b"] }, h: { x: "a" },
};

// @ts-expect-error an id is a number
export const badContent: GetMessagesContent = { messages: [{ id: "1" }], "next-page": null };
// @ts-expect-error there is no such value
export const badEnum: UnionsArguments["c"] = "a";
// @ts-expect-error there are no arguments
export const badArguments: Tools["get_messages"]["arguments"] = { a: 1 };
