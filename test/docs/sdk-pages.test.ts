import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SDK_ENTRIES } from '../../scripts/docs/sdk/entries.ts'
import { sdkPages } from '../../scripts/docs/sdk/pages.ts'

const root = mkdtempSync(join(tmpdir(), 'sotto-sdk-pages-'))
afterAll(() => rmSync(root, { recursive: true }))

const LAMPS = `
/**
 * Lights a <lamp>, see {@link Lamp}. \`a < b\` is code.
 * @param name which one, \`a | b\`
 * @returns whether it was dark
 * @throws LAMP_BROKEN when it is
 * @example
 * \`\`\`ts
 * light('hall')
 * \`\`\`
 */
export function light(name: string, others?: Lamp): boolean { return others === undefined }
/**
 * Many at once.
 * @param options how bright
 */
export function lightAll(first: Lamp, second: Lamp, third: Lamp, { brightness, colour }: { brightness: number; colour: string }): void {}
interface Thing {}
/** What gives light. */
export interface Lamp<T extends string = string> extends Thing {
  /** Watts. @default 5 */
  readonly watts?: number
  kind: T
  /** Turns it. @throws LAMP_STUCK */
  turn(by: number): void
}
/** Lamps that break. */
export class Bulb {
  constructor(watts: number) {}
  /** Hours | days. */
  get life(): number { return 1 }
  /** @internal */
  hidden(): void {}
}
export type Colour = 'white that is warm in the evening' | 'white that is cold in the morning' | 'red that is neither'
/** How many there are. */
export const COUNT: number = 2
`

const ENTRIES = SDK_ENTRIES.filter(
  ({ name }) => name === '@sotto/client' || name === '@sotto/protocol/errors',
)
let pages: Map<string, string>
beforeAll(async () => {
  const [lamps, rooms] = ENTRIES.map(({ file }) => file)
  const files = {
    [lamps!]: LAMPS,
    [rooms!]:
      "export { light } from '../../../client/src/index.ts'\nexport interface Room { wide: boolean }\n",
    'scripts/docs/sdk/tsconfig.json': JSON.stringify({
      // Without the types of a platform a compiler needs no second.
      compilerOptions: { noLib: true, types: [], allowImportingTsExtensions: true, noEmit: true },
      files: ENTRIES.map(({ file }) => `../../../${file}`),
    }),
  }
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  pages = await sdkPages(root, ENTRIES)
})

const page = (name: string): string => pages.get(`docs/reference/sdk-${name}.md`)!

/** What stands below a heading, up to the next. */
function below(heading: string): string {
  const [, text] = page('client').split(`\n### ${heading}\n\n`)
  return text!.split(/\n\n##+ /)[0]!
}

it('a function has its words, its type, its parameters and what it gives, throws and looks like', () => {
  expect(below('light')).toBe(
    [
      'Lights a &lt;lamp>, see `Lamp`. `a < b` is code.',
      '```ts\nfunction light(name: string, others?: Lamp<string>): boolean\n```',
      '| parameter | |\n|---|---|\n| `name` | which one, `a \\| b` |',
      'Returns whether it was dark',
      'Throws LAMP_BROKEN when it is',
      "Example: \n\n```ts\nlight('hall')\n```",
    ].join('\n\n'),
  )
})

it('a long line is broken, and a parameter that is taken apart has a name', () => {
  expect(below('lightAll')).toBe(`Many at once.

\`\`\`ts
function lightAll(
  first: Lamp,
  second: Lamp,
  third: Lamp,
  options: { brightness: number; colour: string },
): void
\`\`\`

| parameter | |
|---|---|
| \`options\` | how bright |`)
})

it('interfaces and classes show what they add, and every member with words has them', () => {
  expect(below('Lamp')).toBe(`What gives light.

\`\`\`ts
interface Lamp<T extends string = string> extends Thing {
  readonly watts?: number
  kind: T
  turn(by: number): void
}
\`\`\`

| member | |
|---|---|
| \`watts\` | Watts. Default: \`5\`. |
| \`turn\` | Turns it. Throws: LAMP_STUCK. |`)
  expect(below('Bulb')).toContain('class Bulb {\n  constructor(watts: number)\n  life: number\n}')
  expect(below('Bulb')).toContain('| `life` | Hours \\| days. |')
})

it('long unions have a line for each, constants their type', () => {
  expect(below('Colour')).toContain('type Colour =\n  | "white that is warm')
  expect(below('COUNT')).toContain('const COUNT: number')
})

it('a page begins with what to import, and says where names come from that it passes on', () => {
  expect(page('client')).toMatch(/^# @sotto\/client\n\n.*\n\n```ts\nimport \{ light, lightAll, Bulb \} from/)
  expect(page('protocol-errors')).toContain("import { type Room } from '@sotto/protocol/errors'")
  expect(page('protocol-errors')).toContain(
    '## Also exported\n\n- [`light`](sdk-client.md#light) of @sotto/client\n',
  )
})

it('an entry that the compiler was not given is an error, not the page of another one', async () => {
  const missing = { ...ENTRIES[0]!, file: 'packages/verifier/src/index.ts' }
  await expect(sdkPages(root, [...ENTRIES, missing])).rejects.toThrow('packages/verifier/src/index.ts')
})
