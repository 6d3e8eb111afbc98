// Vercel's AI SDK through the gateway, with each vendor's package: `node ai.mjs URL KEY ENDPOINT` prints one JSON
// object: for each package, a field a case.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany, generateText, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const [url, apiKey, name] = process.argv.slice(2);
const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey });
const google = createGoogleGenerativeAI({ baseURL: `${url}/v1beta`, apiKey });
const compatible = createOpenAICompatible({
  name: "gatewright",
  baseURL: `${url}/v1`,
  apiKey,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const packages = {
  chat: (model) => openai.chat(model),
  responses: (model) => openai.responses(model),
  anthropic: createAnthropic({ baseURL: `${url}/v1`, apiKey }),
  google,
  compatible,
};

const once = { prompt: "Who are you?", maxOutputTokens: 100, maxRetries: 0 };
const Place = z.object({ city: z.string() });
const get_weather = tool({ description: "Weather of a city.", inputSchema: Place, execute: () => "18 degrees" });
const warnings = [];
globalThis.AI_SDK_LOG_WARNINGS = ({ warnings: some }) => warnings.push(...some);

async function asked(model) {
  const { text, finishReason, usage } = await generateText({ model, ...once });
  return { text, finish: finishReason, tokens: usage.totalTokens };
}

async function streamed(model) {
  const stream = streamText({ model, ...once });
  const pieces = [];
  for await (const piece of stream.textStream) pieces.push(piece);
  return { text: pieces.join(""), pieces: pieces.length, finish: await stream.finishReason };
}

async function called(model) {
  const stream = streamText({ model, ...once, tools: { get_weather }, stopWhen: stepCountIs(2) });
  const answer = await stream.text;
  const [first] = await stream.steps;
  return { name: first.toolCalls[0].toolName, arguments: first.toolCalls[0].input, answer };
}

async function structured(model) {
  const { output } = await generateText({ model, ...once, output: Output.object({ schema: Place }) });
  return output;
}

async function refused(model) {
  try {
    await generateText({ model, ...once });
  } catch (error) {
    return { status: error.statusCode, said: error.message };
  }
  return null;
}

async function broken(model) {
  const kinds = [];
  const stream = streamText({ model, ...once, onError: () => {} });
  for await (const part of stream.fullStream) kinds.push(part.type);
  return kinds.includes("error");
}

const found = { embedded: {}, warnings };
for (const [which, make] of Object.entries(packages)) {
  const model = make(name);
  found[which] = {
    asked: await asked(model),
    streamed: await streamed(model),
    called: await called(model),
    structured: await structured(model),
    refused: await refused(make(`broken-${name}`)),
    broken: await broken(make(`breaks-${name}`)),
  };
}
const models = { openai: openai.embedding("openai"), google: google.embedding("gemini") };
for (const [which, model] of Object.entries(models)) {
  found.embedded[which] = (await embedMany({ model, values: ["a", "b"] })).embeddings;
}
console.log(JSON.stringify(found));
