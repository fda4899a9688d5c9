import type { Method, OpenApi, Operation, Schema } from '../openapi/types.ts'
import { nameOf, rowsOf, typeWords } from './schema-words.ts'

const FOLDER = 'docs/reference'
const FILE = '../openapi/inference.json'
/** With the table of fields, and what every one of them means. */
const FIELDS = '../api.md'

interface Route {
  readonly method: Method
  readonly path: string
  readonly operation: Operation
}

/** One page of markdown for each group of routes of an OpenAPI document, and one for what they share. */
export function apiPages(document: string): Map<string, string> {
  const api = JSON.parse(document) as OpenApi
  const routes: Route[] = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method as Method, path, operation })),
  )
  const groups = api.tags.map((tag) => {
    const own = routes.filter(({ operation }) => operation.tags.includes(tag.name))
    return { ...tag, routes: own, schemas: schemasOf(api, own) }
  })
  const uses = (name: string): number => groups.filter(({ schemas }) => schemas.has(name)).length
  const shared = Object.keys(api.components.schemas).filter((name) => uses(name) > 1)
  const pages = groups.map(({ name, description, routes: own, schemas }) => {
    const named = [...schemas].filter((schema) => !shared.includes(schema))
    const parts = [
      `# HTTP API: ${name}`,
      `${description} All of it as [OpenAPI 3.1](${FILE}); shapes that routes share are in [HTTP API](http.md).`,
      ...own.flatMap((route) => routeParts(route, shared)),
      ...schemaParts(api, named, shared),
    ]
    return [`${FOLDER}/${fileOf(name)}`, `${parts.join('\n\n')}\n`] as const
  })
  return new Map([[`${FOLDER}/http.md`, overview(api, groups, shared)], ...pages])
}

function fileOf(tag: string): string {
  return `http-${tag.toLowerCase().replaceAll(/[^a-z]+/g, '-')}.md`
}

function overview(
  api: OpenApi,
  groups: readonly { name: string; routes: readonly Route[] }[],
  shared: readonly string[],
): string {
  const rows = groups.flatMap(({ name, routes }) =>
    routes.map(
      ({ method, path, operation }) =>
        `| [${method.toUpperCase()} ${path}](${fileOf(name)}#${anchor(method, path)}) | ${operation.summary} |`,
    ),
  )
  return `${[
    '# HTTP API',
    `${api.info.description} The same as [OpenAPI 3.1](${FILE}), for generators of clients. What each field does: [fields of the API](${FIELDS}).`,
    [
      '| server | |',
      '|---|---|',
      ...api.servers.map(({ url, description }) => `| \`${url}\` | ${description} |`),
    ].join('\n'),
    '## Routes',
    ['| route | what it does |', '|---|---|', ...rows].join('\n'),
    '## Shared shapes',
    ...schemaParts(api, shared, shared, '###').filter((part) => part !== '## Shapes'),
  ].join('\n\n')}\n`
}

function anchor(method: string, path: string): string {
  return `${method}-${path.replaceAll(/[^a-z0-9_-]/gi, '')}`.toLowerCase()
}

function routeParts({ method, path, operation }: Route, shared: readonly string[]): string[] {
  const { summary, description, parameters = [], requestBody, responses } = operation
  const bodies = Object.entries(requestBody?.content ?? {}).map(
    ([type, { schema }]) => `Request: \`${type}\`, ${shapeLink(schema, shared)}.`,
  )
  return [
    `## ${method.toUpperCase()} ${path}`,
    `${summary}. ${description ?? ''}`.trim(),
    ...(parameters.length > 0
      ? [
          [
            '| parameter | in | what it is |',
            '|---|---|---|',
            ...parameters.map(
              ({ name, in: place, required, description: words }) =>
                `| \`${name}\`${required ? '' : ' (optional)'} | ${place} | ${words} |`,
            ),
          ].join('\n'),
        ]
      : []),
    ...bodies,
    [
      '| status | answer |',
      '|---|---|',
      ...Object.entries(responses).map(([status, answer]) => {
        if (answer.$ref !== undefined) return `| ${status} | ${refusalLink(answer.$ref)} |`
        const shapes = Object.entries(answer.content ?? {}).map(
          ([type, { schema }]) => `\`${type}\`: ${shapeLink(schema, shared)}`,
        )
        return `| ${status} | ${answer.description} ${shapes.join('; ')} |`
      }),
    ].join('\n'),
  ]
}

/** Errors have one shape; [errors] lists the codes. */
function refusalLink(reference: string): string {
  return /Tensor/.test(reference)
    ? 'Refused: [TensorError](http-tensors.md#tensorerror)'
    : `${/Unavailable/.test(reference) ? 'Failed' : 'Refused'}: [Error](http.md#error), [codes](../errors.md)`
}

function shapeLink(schema: Schema, shared: readonly string[]): string {
  if (schema.anyOf) return schema.anyOf.map((one) => shapeLink(one, shared)).join(' or ')
  if (schema.$ref === undefined) {
    const members = rowsOf(schema).map(({ name, type }) =>
      type === 'string' ? `\`${name}\`` : `\`${name}\` ${type}`,
    )
    return members.length > 0 ? `object with ${members.join(', ')}` : typeWords(schema)
  }
  const name = nameOf(schema.$ref)
  return `[${name}](${shared.includes(name) ? 'http.md' : ''}#${name.toLowerCase()})`
}

function schemaParts(
  api: OpenApi,
  names: readonly string[],
  shared: readonly string[],
  heading = '###',
): string[] {
  if (names.length === 0) return []
  return [
    '## Shapes',
    ...names.flatMap((name) => {
      const schema = api.components.schemas[name]!
      const rows = rowsOf(schema.items ?? schema)
      const offered = rows.filter(({ words }) => !/^(Refused|No effect):/.test(words))
      const others = rows.filter(({ words }) => /^(Refused|No effect):/.test(words))
      const table = [
        '| member | type | |',
        '|---|---|---|',
        ...offered.map(
          ({ name: member, isRequired, type, words }) =>
            `| \`${member}\`${isRequired ? '' : ' (optional)'} | ${type.replaceAll(' | ', ' ')} | ${words.replaceAll('|', '\\|')} |`,
        ),
      ]
      return [
        `${heading} ${name}`,
        ...(schema.items ? ['A list of these.'] : []),
        ...(schema.description ? [schema.description] : []),
        ...(offered.length > 0 ? [linked(table.join('\n'), shared)] : []),
        ...(others.length > 0
          ? [
              `Known, and not offered or without effect ([why](${FIELDS})): ${others.map((row) => `\`${row.name}\``).join(', ')}.`,
            ]
          : []),
      ]
    }),
  ]
}

/** Names of shapes in a table as links. */
function linked(table: string, shared: readonly string[]): string {
  return table.replaceAll(/(?<=\| (?:list of )?)`([A-Z][A-Za-z]+)`(?=[ ,])/g, (whole, name: string) =>
    name === name.toUpperCase()
      ? whole
      : `[${name}](${shared.includes(name) ? 'http.md' : ''}#${name.toLowerCase()})`,
  )
}

/** Names of all shapes that routes lead to. */
function schemasOf(api: OpenApi, routes: readonly Route[]): Set<string> {
  const found = new Set<string>()
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    for (const [key, member] of Object.entries(value)) {
      if (key !== '$ref') visit(member)
      else if (/\/schemas\//.test(member as string) && !found.has(nameOf(member as string))) {
        found.add(nameOf(member as string))
        visit(api.components.schemas[nameOf(member as string)])
      } else if (/\/responses\//.test(member as string))
        visit(api.components.responses[nameOf(member as string)])
    }
  }
  for (const { operation } of routes) visit([operation.requestBody, operation.responses])
  return found
}
