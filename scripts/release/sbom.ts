/** The bill of materials of one image, CycloneDX 1.6 (ECMA-424). Same image, same bytes: no time, no chance. */
import { cycloneHead } from '@sotto/protocol/cyclonedx'
import { EMBEDDED } from '../notices/embedded.ts'
import type { Component } from './components.ts'
import type { BuiltImage } from './image.ts'

/** The document, two spaces deep as people read it. Everything is sorted; its number is made of the image's digest. */
export function renderSbom(
  { role, digest }: BuiltImage,
  components: readonly Component[],
  version: string,
): string {
  const root = `sotto-${role}@${version}`
  const listed = components.map(componentOf)
  return `${JSON.stringify(
    {
      ...cycloneHead(digest),
      metadata: {
        component: {
          type: 'application',
          'bom-ref': root,
          name: `sotto-${role}`,
          version,
          licenses: [{ license: { id: 'Apache-2.0' } }],
          properties: [{ name: 'sotto:measurement', value: digest }],
        },
      },
      components: listed,
      dependencies: [
        { ref: root, dependsOn: listed.map((one) => one['bom-ref']).sort() },
        ...listed.map((one) => ({ ref: one['bom-ref'] })),
      ],
    },
    null,
    2,
  )}\n`
}

interface CycloneComponent {
  type: string
  'bom-ref': string
  [name: string]: unknown
}

function componentOf({ name, version, licence, tarball, files, folder }: Component): CycloneComponent {
  const [scope, bare] = name.startsWith('@') ? name.split('/') : [undefined, name]
  const purl = `pkg:npm/${scope === undefined ? '' : `${scope.replace('@', '%40')}/`}${bare}@${version}`
  const isNode = name.startsWith('node-linux-')
  const binaries = files.filter(({ path }) => path === 'bin/node' || /\.(node|so)(\.|$)/.test(path))
  const inside = [
    ...binaries.map(({ path, sha256 }) => ({
      type: 'file',
      'bom-ref': `file:${path}`,
      name: path,
      hashes: [{ alg: 'SHA-256', content: sha256 }],
    })),
    ...embeddedIn(name).map((part) => ({
      type: 'library',
      'bom-ref': `${purl}#${part.name}`,
      name: part.name,
      copyright: part.copyright,
      licenses: [{ license: { id: part.licence } }],
    })),
  ]
  return {
    type: isNode ? 'platform' : 'library',
    // One version can be installed in two places.
    'bom-ref': `${purl}#${folder}`,
    ...(scope !== undefined && { group: scope }),
    name: bare!,
    version,
    hashes: [{ alg: 'SHA-512', content: tarball }],
    licenses: [licenceChoice(licence)],
    purl,
    ...(inside.length > 0 && { components: inside }),
  }
}

/** What compiled code in a package consists of (`scripts/notices/embedded.ts`), which no package states. */
function embeddedIn(name: string): readonly { name: string; licence: string; copyright: string }[] {
  const key = name.replace(`linux-${process.arch}`, 'linux-*')
  return EMBEDDED[key]?.parts ?? []
}

function licenceChoice(licence: string): object {
  if (/^[A-Za-z0-9.+-]+$/.test(licence) && licence !== 'NOASSERTION') return { license: { id: licence } }
  return licence === 'NOASSERTION' ? { license: { name: 'not stated' } } : { expression: licence }
}
