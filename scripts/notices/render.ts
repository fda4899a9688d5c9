/** The notices as one Markdown page: what is not permissive first, then who made what, then the terms. */
import { EMBEDDED, HOLDERS } from './embedded.ts'
import type { Place, ShippedPackage } from './inventory.ts'
import { type LicenceText, splitLicence, termsKey } from './licence-text.ts'
import { EXCEPTIONS } from './policy.ts'

/** Licences that ask for no text beside compiled code. */
const UNPRINTED = new Set(['blessing', 'BSL-1.0', 'MPL-2.0', 'Unlicense'])

const PLACES: Readonly<Record<Place, string>> = {
  kms: 'KMS',
  inference: 'inference',
  room: 'clean room',
  native: 'addons of engines',
  queries: 'addons of queries',
  edge: 'edge',
  cli: 'command',
  console: 'web pages',
}

/** What the page needs besides the packages. */
export interface NoticeSources {
  /** The licence file of an installed package. */
  licenceFile(folder: string): string | undefined
  /** A text of `scripts/notices/texts`. */
  text(name: string): string
}

/** The whole page. @throws Error for a package without a licence file and a known holder */
export function renderNotices(packages: readonly ShippedPackage[], sources: NoticeSources): string {
  const parts = packages.flatMap(({ name }) =>
    (EMBEDDED[name]?.parts ?? []).map((part) => ({ ...part, inside: name })),
  )
  const terms = new Terms()
  for (const entry of packages) {
    if (EMBEDDED[entry.name]?.hasOwnList) continue
    const { copyrights, terms: text } = licenceOf(entry, sources)
    terms.add(entry.licence, text, copyrights, entry.name)
  }
  for (const { name, licence, copyright, text } of parts)
    if (!UNPRINTED.has(licence)) terms.add(licence, textOf(text ?? licence, sources), [copyright], name)
  return (
    [
      INTRODUCTION,
      '## Not permissive',
      list(
        parts
          .filter(({ name }) => EXCEPTIONS[name])
          .map((part) => `**${part.name}** (${part.licence}) ${EXCEPTIONS[part.name]}`),
      ),
      OUTSIDE,
      '## Packages',
      table(
        ['package', 'version', 'licence', 'in'],
        packages.map(({ name, version, licence, places }) => [name, version, licence, placesOf(places)]),
      ),
      '## Compiled into them',
      'Found in the binaries and the build files of their projects; see `scripts/notices/embedded.ts`.',
      table(
        ['part', 'licence', 'inside', 'copyright'],
        parts.map(({ name, licence, inside, copyright }) => [name, licence, inside, copyright]),
      ),
      list(
        packages.flatMap(({ name }) =>
          EMBEDDED[name]?.note ? [`\`${name}\`: ${EMBEDDED[name].note}.`] : [],
        ),
      ),
      '## Terms',
      ...terms.render(),
    ].join('\n\n') + '\n'
  )
}

/** In place of a text that this repository holds already. */
const APACHE = 'The text is that of [LICENSE](LICENSE).'

const INTRODUCTION = `# Third-party notices

Sotto is under [Apache-2.0](LICENSE). What its roles and its command are built from besides is listed here, read by
\`scripts/notices.ts\` from the bundler's account of every bundle and from the files of the images. Not edited by hand:
\`node scripts/notices.ts --write\` after \`npm run build\`; \`npm run check\` fails when it is out of date.

Everything is under a permissive licence except the parts named first. Whoever passes on an image passes on this file and
the \`LICENSE\` of the Node.js package with it.`

const OUTSIDE =
  'Node.js and the native addons also load the C and C++ runtimes of the machine they run on (glibc: LGPL-2.1-or-later; libstdc++ and libgcc: GPL-3.0 with the runtime library exception). They are no part of an image.'

/** Terms by their text; under each, who claims copyright in what. */
class Terms {
  readonly #groups = new Map<string, { title: string; text: string; claims: Map<string, Set<string>> }>()

  add(licence: string, text: string, copyrights: readonly string[], name: string): void {
    const key = `${licence} ${termsKey(text)}`
    const group = this.#groups.get(key) ?? { title: licence, text, claims: new Map<string, Set<string>>() }
    this.#groups.set(key, group)
    for (const claim of copyrights.length > 0 ? copyrights : ['no claim stated']) {
      const names = group.claims.get(claim) ?? new Set()
      group.claims.set(claim, names.add(name))
    }
  }

  render(): string[] {
    const groups = [...this.#groups.values()].sort(
      (a, b) => order(a.title, b.title) || b.claims.size - a.claims.size || order(a.text, b.text),
    )
    return groups.flatMap(({ title, text, claims }) => [
      `### ${title}`,
      list([...claims].map(([claim, names]) => `${[...names].join(', ')}: ${markdown(claim)}`).sort(order)),
      text === APACHE ? text : `\`\`\`text\n${text}\n\`\`\``,
    ])
  }
}

function licenceOf({ name, licence, folder }: ShippedPackage, sources: NoticeSources): LicenceText {
  const file = sources.licenceFile(folder)
  if (file !== undefined) {
    const { copyrights, terms } = splitLicence(file)
    return { copyrights, terms: licence === 'Apache-2.0' ? APACHE : terms }
  }
  const holder = HOLDERS[name]
  if (holder === undefined)
    throw new Error(`${folder} has no licence file: name its copyright holder in scripts/notices/embedded.ts`)
  return { copyrights: [holder], terms: textOf(licence, sources) }
}

function textOf(name: string, sources: NoticeSources): string {
  return name === 'Apache-2.0' ? APACHE : sources.text(name).trim()
}

function placesOf(places: ReadonlySet<Place>): string {
  return (Object.keys(PLACES) as Place[])
    .filter((place) => places.has(place))
    .map((place) => PLACES[place])
    .join('; ')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(markdown).join(' | ')} |`
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n')
}

function markdown(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*')
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
