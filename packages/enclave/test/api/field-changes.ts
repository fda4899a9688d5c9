/** Two values of a field whose answers differ; `from` left out: the field is. `base`: what else is asked for. */
export interface Change {
  readonly base?: object
  readonly from?: unknown
  readonly to: unknown
  /** The last of two answers counts: the first has nothing to reuse. */
  readonly isWarm?: boolean
}

type Changes = Readonly<Record<string, Change>>

const GREEDY = { temperature: 0, max_tokens: 40 }
const HOT = { temperature: 2, seed: 5 }
const SALT = 'c2FsdHNhbHRzYWx0c2FsdHNhbHQ'
const hi = [{ role: 'user', content: 'Once upon a time' }]
const tool = (name: string): object => ({ type: 'function', function: { name } })
const flat = (name: string): object => ({ type: 'function', name })
const schema = {
  type: 'object',
  properties: { a: { type: 'boolean' } },
  required: ['a'],
  additionalProperties: false,
}
/** Twice the same call is what a greedy model likes best: it repeats itself. */
const CALLS = { model: 'taught', temperature: 0 }

const common: Changes = {
  model: { from: 'story', to: 'filler' },
  temperature: { base: { seed: 5 }, from: 0, to: 2 },
  top_p: { base: HOT, from: 1e-6, to: 1 },
  top_k: { base: HOT, from: 1, to: 0 },
  min_p: { base: HOT, from: 1, to: 0 },
  max_tokens: { from: 3, to: 6 },
  seed: { base: { temperature: 2 }, from: 1, to: 2 },
  stop: { to: ['e'] },
  frequency_penalty: { to: 2 },
  presence_penalty: { to: 2 },
  logit_bias: { base: { max_tokens: 5 }, to: { 300: 100 } },
  n: { base: HOT, from: 1, to: 2 },
  stream: { from: false, to: true },
  stream_options: { base: { stream: true }, to: { include_usage: true } },
  cache_salt: { to: SALT, isWarm: true },
}

const summary =
  'A cat sat. A dog ran after the cat. The cat ran to a tree. The dog sat by the tree all day. A bird sang.'

/** For every route, for every field that works. */
export const changes = {
  '/v1/chat/completions': {
    ...common,
    messages: { from: hi, to: [{ role: 'user', content: 'The sea' }] },
    max_completion_tokens: { base: { max_tokens: 9 }, to: 4 },
    logprobs: { to: true },
    top_logprobs: { base: { logprobs: true }, from: 0, to: 2 },
    response_format: {
      from: { type: 'text' },
      to: { type: 'json_schema', json_schema: { name: 'a', schema } },
    },
    tools: { base: { tool_choice: 'required' }, from: [tool('f')], to: [tool('g')] },
    tool_choice: { base: { tools: [tool('f')] }, from: 'none', to: 'required' },
    functions: {
      base: { function_call: { name: 'f' } },
      from: [{ name: 'f' }],
      to: [{ name: 'f', parameters: schema }],
    },
    function_call: { base: { functions: [{ name: 'f' }] }, from: 'none', to: { name: 'f' } },
    parallel_tool_calls: {
      base: { ...CALLS, tools: [tool('f')], tool_choice: 'required', max_tokens: 120 },
      from: false,
      to: true,
    },
  },
  '/v1/completions': {
    ...common,
    prompt: { from: 'Once', to: ['Once', 'The sea'] },
    logprobs: { to: 2 },
    echo: { to: true },
    suffix: { base: { model: 'filler' }, to: ' The end.' },
    best_of: { base: HOT, from: 1, to: 6 },
  },
  '/v1/responses': {
    model: common['model']!,
    temperature: { from: 0, to: 2 },
    top_p: { base: { temperature: 2 }, from: 1e-6, to: 1 },
    cache_salt: common['cache_salt']!,
    input: { from: 'The sea', to: [{ role: 'assistant', content: 'The sea' }] },
    instructions: { to: 'Be brief.' },
    max_output_tokens: { from: 3, to: 6 },
    text: { to: { format: { type: 'json_schema', name: 'a', schema } } },
    tools: { base: { tool_choice: 'required' }, from: [flat('f')], to: [flat('g')] },
    tool_choice: { base: { tools: [flat('f')] }, from: 'none', to: 'required' },
    parallel_tool_calls: {
      base: { ...CALLS, tools: [flat('f')], tool_choice: 'required', max_output_tokens: 120 },
      from: false,
      to: true,
    },
    include: { to: ['message.output_text.logprobs'] },
    top_logprobs: { base: { include: ['message.output_text.logprobs'] }, from: 0, to: 2 },
    stream: { from: false, to: true },
  },
  '/v1/embeddings': {
    model: { from: 'embed', to: 'embed-2' },
    input: { from: 'a word', to: 'another' },
    encoding_format: { from: 'float', to: 'base64' },
    dimensions: { to: 8 },
  },
  '/v1/summaries': {
    model: { from: 'short', to: 'short-2' },
    input: { from: summary, to: `${summary} ${summary}` },
    min_words: { base: { max_sentences: 4 }, from: 1, to: 20 },
    max_words: { from: 6, to: 30 },
    min_sentences: { from: 1, to: 4 },
    max_sentences: { from: 1, to: 3 },
    num_beams: { base: { model: 'writer' }, from: 1, to: 4 },
    stream: { from: false, to: true },
  },
  /** What every request of a route has, unless its change says otherwise. */
  bases: {
    '/v1/chat/completions': { messages: hi, ...GREEDY },
    '/v1/completions': { prompt: 'Once upon a time', ...GREEDY },
    '/v1/responses': { input: 'Once upon a time', temperature: 0, max_output_tokens: 40 },
    '/v1/embeddings': { input: 'a word' },
    '/v1/summaries': { input: summary },
  },
} as const satisfies Record<string, object>
