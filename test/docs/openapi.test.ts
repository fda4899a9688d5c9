import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type * as Hono from 'hono'
import { expect, it, vi } from 'vitest'
import type { createApi } from '../../packages/enclave/src/api/index.ts'
import { parsePath } from '../../packages/enclave/src/api/kserve/paths.ts'
import { type FieldNote, fieldNotes } from '../../packages/enclave/src/api/openai/fields.ts'
import { ROUTE_FIELDS } from '../../packages/enclave/src/api/text/routes.ts'
import { openApiFile } from '../../scripts/openapi.ts'
import { inferenceApi } from '../../scripts/openapi/document.ts'
import type { Schema } from '../../scripts/openapi/types.ts'

const api = inferenceApi()
const { schemas } = api.components

/** Every router that the API makes. */
const routers = vi.hoisted(() => [] as { routes: { method: string; path: string }[] }[])
vi.mock('hono', async (original) => {
  const hono = await original<typeof Hono>()
  class Recorded extends hono.Hono {
    constructor(...options: ConstructorParameters<typeof hono.Hono>) {
      super(...options)
      routers.push(this)
    }
  }
  return { ...hono, Hono: Recorded }
})

it('the file is what the schemas say', () => {
  expect(
    readFileSync(join(resolve(import.meta.dirname, '../..'), 'docs/openapi/inference.json'), 'utf8'),
  ).toBe(openApiFile())
})

it('every reference leads somewhere, every operation has a name of its own and a tag that is described', () => {
  const references = [...openApiFile().matchAll(/"\$ref": "#\/([^"]+)"/g)].map(([, path]) => path!)
  expect(references.length).toBeGreaterThan(50)
  for (const path of references) {
    const found = path.split('/').reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], api)
    expect(found, path).toBeDefined()
  }
  const operations = Object.values(api.paths).flatMap((methods) => Object.values(methods))
  const ids = operations.map(({ operationId }) => operationId)
  expect(new Set(ids).size).toBe(ids.length)
  const tags = api.tags.map(({ name }) => name)
  for (const { tags: own, responses, operationId } of operations) {
    expect(tags, operationId).toEqual(expect.arrayContaining([...own]))
    expect(Object.keys(responses).length, operationId).toBeGreaterThan(1)
  }
})

it('what a path leaves open is a parameter, and nothing else is', () => {
  for (const [path, methods] of Object.entries(api.paths))
    for (const { parameters = [], operationId } of Object.values(methods)) {
      const open = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
      const stated = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)
      expect(stated, operationId).toEqual(open)
    }
})

it('every route of the router is a path, and every path leads to a route', async () => {
  const { createApi: create } = (await import('../../packages/enclave/src/api/index.ts')) as {
    createApi: typeof createApi
  }
  const options = {
    models: { list: () => [] },
    sealedModels: async () => new Response(null, { status: 204 }),
    rooms: async () => new Response(null, { status: 204 }),
  }
  create(options as unknown as Parameters<typeof createApi>[0])
  const served = routers
    .flatMap(({ routes }) => routes)
    .map(({ method, path }) => ({ method: method.toLowerCase(), path: path.replace(/:id\{.+\}$/, '{id}') }))
  expect(served.length).toBeGreaterThan(10)
  const paths = Object.entries(api.paths).map(([path, methods]) => ({ path, methods: Object.keys(methods) }))
  for (const { method, path } of served) {
    const covering = paths.filter(
      (one) => path === one.path || (path.endsWith('/*') && one.path.startsWith(path.slice(0, -1))),
    )
    expect(covering.length, path).toBeGreaterThan(0)
    if (method !== 'all')
      expect(
        covering.flatMap(({ methods }) => methods),
        path,
      ).toContain(method)
  }
  for (const { path, methods } of paths) {
    // The gateway answers these two itself.
    if (path.startsWith('/sotto/')) continue
    for (const method of methods)
      expect(
        served.some(
          (one) =>
            (one.method === method || one.method === 'all') &&
            (one.path === path || (one.path.endsWith('/*') && path.startsWith(one.path.slice(0, -1)))),
        ),
        `${method} ${path}`,
      ).toBe(true)
    if (path.startsWith('/v2'))
      expect(parsePath(path.replaceAll(/\{(\w+)\}/g, '$1')).kind, path).not.toMatch(/unknown|unsupported/)
  }
})

it.each([
  ['/v1/chat/completions', 'ChatRequest'],
  ['/v1/completions', 'CompletionRequest'],
  ['/v1/responses', 'ResponseRequest'],
  ['/v1/embeddings', 'EmbeddingRequest'],
  ['/v1/summaries', 'SummaryRequest'],
] as const)('%s has every field of its schema, and says of each that works what it takes', (route, name) => {
  const notes: ReadonlyMap<string, FieldNote> = fieldNotes(ROUTE_FIELDS[route])
  const properties = schemas[name]!.properties!
  expect(Object.keys(properties)).toEqual([...notes.keys()])
  for (const [field, { state }] of notes) {
    const { description, ...shape }: Schema = properties[field]!
    if (state === 'works') expect(Object.keys(shape), field).not.toEqual([])
    else expect(description, field).toMatch(state === 'refused' ? /^Refused: / : /^No effect: /)
  }
})

it('bounds are those of the schemas, also of lists that a function checks', () => {
  const { prompt, stop, logprobs, logit_bias: bias } = schemas['CompletionRequest']!.properties!
  expect(prompt!.anyOf!.map(({ maxItems }) => maxItems)).toEqual([undefined, undefined, 128, 128])
  expect(stop!.anyOf![1]).toEqual({ type: 'array', maxItems: 16, items: { type: 'string' } })
  expect(logprobs!.anyOf![0]).toEqual({ type: 'integer', minimum: 0, maximum: 5 })
  expect(bias!.anyOf![0]).toEqual({
    type: 'object',
    additionalProperties: { type: 'number', minimum: -100, maximum: 100 },
  })
  expect(schemas['ChatRequest']!.properties!['store']).toEqual({
    description: 'Refused: nothing is stored.',
    enum: [false, null],
  })
})
