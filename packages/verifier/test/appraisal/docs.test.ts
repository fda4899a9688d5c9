import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { JsonValue } from '@sotto/protocol/jcs'
import { FAMILY_REGISTRY, lintPolicy, parseEvidencePolicy } from '@sotto/verifier/appraisal'
import type { Meaning, Members } from '../../src/appraisal/meaning.ts'
import { claim } from '../../../../test/claims.ts'

const PAGE = new URL('../../../../docs/policy.md', import.meta.url)
let page = readFileSync(PAGE, 'utf8')

/** The table of bindings and parties, from the data that the code uses. */
function bindingsTable(): string {
  const rows = [...FAMILY_REGISTRY.values()].map(
    ({ title, family, binding, trustedParties }) =>
      `| ${title} (\`${family}\`) | ${binding.field} | ${binding.carries} | ${trustedParties.join('; ')} |`,
  )
  return [
    '| family | field | what stands in it | whom one trusts, at the least |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n')
}

/** A table of members for each family, from their meanings. */
function membersTables(): string {
  return [...FAMILY_REGISTRY.values()]
    .map(({ title, family, members }) => {
      const rows = memberRows(members, '').map((cells) => `| ${cells.join(' | ')} |`)
      return [
        `### ${title} (\`${family}\`)`,
        '',
        '| member | what it says | left out |',
        '|---|---|---|',
        ...rows,
      ].join('\n')
    })
    .join('\n\n')
}

function memberRows(members: Members, prefix: string): string[][] {
  const names = Object.keys(members)
  // Registers: one row for all of them.
  if (names.every((name) => /^\d+$/.test(name))) {
    const [first, last] = [names[0]!, names.at(-1)!]
    return [[`\`${prefix}${first}\` … \`${prefix}${last}\``, 'one of: values of this register', 'any']]
  }
  return names.flatMap((name) => rowsOf(members[name]!, `${prefix}${name}`))
}

function rowsOf(meaning: Meaning, name: string): string[][] {
  const { what } = meaning
  const row = (says: string, leftOut: string): string[] => [`\`${name}\``, says, leftOut]
  switch (meaning.is) {
    case 'allow':
      return [row(`${meaning.single === true ? '' : 'one of: '}${what}`, listText(meaning.absent))]
    case 'tolerate':
      return [row(`tolerated: ${what}`, meaning.absent ?? 'none')]
    case 'demand':
      return [row(`every: ${what}`, listText(meaning.absent ?? []))]
    case 'permit':
      return [row(`true admits ${what}`, meaning.absent === true ? 'true' : 'false')]
    case 'require':
      return [row(`true demands ${what}`, 'false')]
    case 'floor':
      return [row(`at least: ${what}`, meaning.absent === undefined ? 'any' : String(meaning.absent))]
    case 'ceiling': {
      const unit = meaning.unit === undefined ? '' : ', in seconds'
      return [row(`at most: ${what}${unit}`, meaning.absent === undefined ? 'any' : String(meaning.absent))]
    }
    case 'parts': {
      const inside = [...FAMILY_REGISTRY.values()].find(
        ({ members }) => Object.keys(members).join() === Object.keys(meaning.members).join(),
      )
      if (inside !== undefined)
        return [row(`members of \`${inside.family}\` for the ${what} inside`, 'as an empty one')]
      const own = meaning.presence === 'demand' ? [row(`demands ${what}`, 'not demanded')] : []
      return [...own, ...memberRows(meaning.members, `${name}.`)]
    }
    case 'keyed':
      return [
        row(`floors by ${what}; one that is not named is ${meaning.others}`, 'any'),
        ...memberRows(meaning.members, `${name}.*.`),
      ]
  }
}

function listText(value: 'any' | readonly JsonValue[]): string {
  if (value === 'any') return 'any'
  return value.map((entry) => (String(entry).length > 30 ? 'zero' : String(entry))).join(', ') || 'none'
}

function sectionOf(name: string): string {
  const [, section] = new RegExp(`<!-- ${name}: [^\\n]*-->\\n([^]*?)<!-- end of ${name} -->`).exec(page) ?? []
  return section ?? ''
}

describe('docs/policy.md', () => {
  if (process.env['UPDATE_DOCS']) {
    page = page
      .replace(
        /(<!-- bindings: [^\n]*-->\n)[^]*?(?=<!-- end of bindings)/,
        (_, start: string) => `${start}\n${bindingsTable()}\n\n`,
      )
      .replace(
        /(<!-- members: [^\n]*-->\n)[^]*?(?=<!-- end of members)/,
        (_, start: string) => `${start}\n${membersTables()}\n\n`,
      )
    writeFileSync(PAGE, page)
  }

  it(claim('T8', 'has the bindings and members that the code has'), () => {
    expect(sectionOf('bindings').trim()).toBe(bindingsTable())
    expect(sectionOf('members').trim()).toBe(membersTables())
  })

  it('shows a policy that is one, but for its shortened digests', () => {
    const [, text] = /```json\n(\{\n {2}"version"[^]*?)```/.exec(page)!
    const lengths: Record<string, number> = { hostData: 64 }
    const whole = text!.replaceAll(
      /"([0-9a-f]{4})…([0-9a-f]{4})"/g,
      (_, start: string, end: string) => `"${start.padEnd(92, '0')}${end}"`,
    )
    const policy = JSON.parse(whole) as { anyOf: { allOf: Record<string, unknown>[] }[] }
    for (const [name, length] of Object.entries(lengths))
      policy.anyOf[0]!.allOf[0]![name] = ['0'.repeat(length)]
    expect(parseEvidencePolicy(policy).anyOf).toHaveLength(2)
  })

  it('names every code of lint that it can show', () => {
    const document = {
      version: 1,
      name: 'p',
      anyOf: [
        {
          name: 'a',
          allOf: [{ family: 'sev-snp', allowDebug: true, vmpls: [1], allowMigrationAgent: true }],
          notAfter: 1,
        },
        { name: 'b', allOf: [{ family: 'tdx', acceptedTcbStatuses: ['OutOfDate'] }] },
        {
          name: 'c',
          allOf: [{ family: 'tdx', acceptedTcbStatuses: ['OutOfDate'], rtmr0: ['0'.repeat(96)] }],
        },
        { name: 'd', allOf: [{ family: 'azure-maa' }] },
      ],
      freshness: 'age',
      evidenceMaxAgeSeconds: 1,
    }
    const codes = new Set([...lintPolicy(document, 2), ...lintPolicy('', 2)].map(({ code }) => code))
    expect(codes.size).toBeGreaterThan(12)
    for (const code of codes) expect(page).toContain(`\`${code}\``)
  })
})
