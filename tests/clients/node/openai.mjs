// OpenAI's own SDK through the gateway: `node openai.mjs URL KEY ENDPOINT` prints one JSON object, a field a case.
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const [url, apiKey, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "Who are you?" }];
const Place = z.object({ city: z.string() });
const tool = { name: "get_weather", description: "Weather of a city.", parameters: z.toJSONSchema(Place) };
const tools = [{ type: "function", function: tool }];

const told = (error) => ({ name: error.constructor.name, status: error.status, code: error.code, said: error.message });

async function raised(ask) {
  try {
    await ask();
  } catch (error) {
    return told(error);
  }
  return null;
}

async function chat() {
  const { data, response } = await client.chat.completions.create({ model, messages }).withResponse();
  const [{ message, finish_reason }] = data.choices;
  return {
    text: message.content,
    finish: finish_reason,
    tokens: data.usage.total_tokens,
    endpoint: response.headers.get("x-gatewright-endpoint"),
  };
}

async function streamed() {
  const stream = client.chat.completions.stream({ model, messages, stream_options: { include_usage: true } });
  const pieces = [];
  stream.on("content", (delta) => pieces.push(delta));
  const final = await stream.finalChatCompletion();
  return { text: pieces.join(""), pieces: pieces.length, tokens: final.usage.total_tokens };
}

async function called() {
  const final = await client.chat.completions.stream({ model, messages, tools }).finalChatCompletion();
  const [{ message, finish_reason }] = final.choices;
  const [call] = message.tool_calls;
  const turns = [...messages, message, { role: "tool", tool_call_id: call.id, content: "18 degrees" }];
  const answer = await client.chat.completions.create({ model, messages: turns, tools });
  return {
    name: call.function.name,
    arguments: JSON.parse(call.function.arguments),
    finish: finish_reason,
    answer: answer.choices[0].message.content,
  };
}

async function structured() {
  const response_format = zodResponseFormat(Place, "place");
  const answer = await client.chat.completions.parse({ model, messages, response_format });
  return answer.choices[0].message.parsed;
}

async function responses() {
  const whole = await client.responses.create({ model, input: "Who are you?" });
  const kinds = [];
  const stream = client.responses.stream({ model, input: "Who are you?" });
  for await (const event of stream) kinds.push(event.type);
  const final = await stream.finalResponse();
  return { whole: whole.output_text, streamed: final.output[0].content[0].text, first: kinds[0], last: kinds.at(-1) };
}

async function responsesCalled() {
  const input = "How warm is it?";
  const stream = client.responses.stream({ model, input, tools: [{ type: "function", strict: false, ...tool }] });
  const { output } = await stream.finalResponse();
  const call = output.find((item) => item.type === "function_call");
  return { name: call.name, arguments: JSON.parse(call.arguments) };
}

async function embedded() {
  const { data } = await client.embeddings.create({ model: "openai", input: ["a", "b"], encoding_format: "float" });
  return data.map((one) => one.embedding);
}

const errors = async () => ({
  unknown: await raised(() => client.chat.completions.create({ model: "ghost", messages })),
  key: await raised(() => client.withOptions({ apiKey: "gw-wrong" }).models.list()),
  refused: await raised(() => client.chat.completions.create({ model: `broken-${model}`, messages })),
  broken: await raised(async () => {
    for await (const _ of await client.chat.completions.create({ model: `breaks-${model}`, messages, stream: true }));
  }),
});

const cases = { chat, streamed, called, structured, responses, responsesCalled, embedded, errors };
const found = {};
for (const [name, run] of Object.entries(cases)) found[name] = await run();
console.log(JSON.stringify(found));
