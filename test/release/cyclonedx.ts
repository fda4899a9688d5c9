/**
 * What the JSON schema of CycloneDX 1.6 (ECMA-424, bom-1.6.schema.json) asks of the parts that our bills of materials
 * use. A member that is not named here is a problem as well: whoever adds one adds its rule.
 */

type Json = Readonly<Record<string, unknown>>
type Rule = (value: unknown, path: string) => string[]

const TYPES =
  'application framework library container platform operating-system device device-driver firmware file machine-learning-model data cryptographic-asset'.split(
    ' ',
  )
const HASHES: Readonly<Record<string, number>> = {
  MD5: 32,
  'SHA-1': 40,
  'SHA-256': 64,
  'SHA-384': 96,
  'SHA-512': 128,
  'SHA3-256': 64,
  'SHA3-384': 96,
  'SHA3-512': 128,
  'BLAKE2b-256': 64,
  BLAKE3: 64,
}
/** SPDX identifiers of the licences that anything in an image may have; the schema's list has them all. */
const SPDX =
  '0BSD Apache-2.0 Artistic-2.0 BSD-2-Clause BSD-3-Clause BSL-1.0 BlueOak-1.0.0 blessing CC-BY-4.0 CC0-1.0 curl ICU ISC LGPL-2.1-only MIT MIT-0 MPL-2.0 NAIST-2003 NCSA OpenSSL PostgreSQL Python-2.0 Unicode-3.0 Unicode-DFS-2016 Unlicense WTFPL Zlib bzip2-1.0.6 libpng-2.0'.split(
    ' ',
  )

const text: Rule = (value, path) => (typeof value === 'string' && value !== '' ? [] : [`${path}: no text`])
const like =
  (pattern: RegExp): Rule =>
  (value, path) =>
    typeof value === 'string' && pattern.test(value) ? [] : [`${path}: not like ${pattern.source}`]
const oneOf =
  (values: readonly unknown[]): Rule =>
  (value, path) =>
    values.includes(value) ? [] : [`${path}: none of ${values.join(', ')}`]
const each =
  (rule: Rule): Rule =>
  (value, path) =>
    Array.isArray(value) ? value.flatMap((item, n) => rule(item, `${path}[${n}]`)) : [`${path}: no list`]

function object(
  required: Readonly<Record<string, Rule>>,
  optional: Readonly<Record<string, Rule>> = {},
): Rule {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: no object`]
    const rules = { ...required, ...optional }
    return [
      ...Object.keys(required).flatMap((name) =>
        Object.hasOwn(value, name) ? [] : [`${path}.${name}: missing`],
      ),
      ...Object.entries(value).flatMap(([name, member]) =>
        Object.hasOwn(rules, name) ? rules[name]!(member, `${path}.${name}`) : [`${path}.${name}: unknown`],
      ),
    ]
  }
}

const hash: Rule = (value, path) => {
  const shape = object({ alg: oneOf(Object.keys(HASHES)), content: like(/^[0-9a-fA-F]+$/) })(value, path)
  const { alg, content } = (value ?? {}) as { alg?: string; content?: string }
  return shape.length > 0 || HASHES[alg!] === content!.length
    ? shape
    : [`${path}.content: wrong length for ${alg}`]
}

/** `licenseChoice`: any number of licences, or one expression and nothing beside it. */
const licenses: Rule = (value, path) => {
  if (!Array.isArray(value)) return [`${path}: no list`]
  const expressions = value.filter((one) => Object.hasOwn(one as object, 'expression'))
  if (expressions.length > 0)
    return value.length === 1
      ? object({ expression: text })(value[0], `${path}[0]`)
      : [`${path}: an expression stands alone`]
  return each((one, at) => {
    const licence = (one as Json)['license'] as Json | undefined
    const isNamed = licence !== undefined && Object.hasOwn(licence, 'name')
    return object({ license: isNamed ? object({ name: text }) : object({ id: oneOf(SPDX) }) })(one, at)
  })(value, path)
}

const properties = each(object({ name: text }, { value: text }))
const reference: Rule = object(
  {
    url: text,
    type: oneOf(
      'bom build-meta configuration distribution documentation evidence formulation attestation quality-metrics website other'.split(
        ' ',
      ),
    ),
  },
  { comment: text, hashes: each(hash) },
)

/** `componentData`: what a component of type `data` is. */
const data: Rule = object(
  { type: oneOf(['source-code', 'configuration', 'dataset', 'definition', 'other']) },
  {
    'bom-ref': text,
    name: text,
    contents: object({}, { url: text, properties }),
    governance: object({}, { owners: each(object({ organization: object({}, { name: text }) })) }),
  },
)

const modelCard: Rule = object(
  {},
  {
    modelParameters: object(
      {},
      {
        approach: object(
          {},
          {
            type: oneOf([
              'supervised',
              'unsupervised',
              'reinforcement-learning',
              'semi-supervised',
              'self-supervised',
            ]),
          },
        ),
        task: text,
        architectureFamily: text,
        datasets: each(object({}, { ref: text })),
      },
    ),
    quantitativeAnalysis: object(
      {},
      { performanceMetrics: each(object({}, { type: text, value: text, slice: text })) },
    ),
    considerations: object(
      {},
      {
        technicalLimitations: each(text),
        ethicalConsiderations: each(object({}, { name: text, mitigationStrategy: text })),
      },
    ),
  },
)

const component: Rule = (value, path) =>
  object(
    { type: oneOf(TYPES), name: text },
    {
      description: text,
      externalReferences: each(reference),
      modelCard,
      pedigree: object({}, { ancestors: (inside, at) => each(component)(inside, at) }),
      data: each(data),
      'bom-ref': text,
      group: text,
      version: text,
      copyright: text,
      purl: like(/^pkg:[a-z]+\/[^\s]+$/),
      hashes: each(hash),
      licenses,
      properties,
      components: (inside, at) => each(component)(inside, at),
    },
  )(value, path)

const bom: Rule = object(
  { bomFormat: oneOf(['CycloneDX']), specVersion: oneOf(['1.6']) },
  {
    $schema: oneOf(['http://cyclonedx.org/schema/bom-1.6.schema.json']),
    serialNumber: like(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/),
    version: (value, path) =>
      Number.isInteger(value) && (value as number) >= 1 ? [] : [`${path}: no number from 1`],
    metadata: object({}, { component }),
    components: each(component),
    dependencies: each(object({ ref: text }, { dependsOn: each(text) })),
    formulation: each(object({}, { 'bom-ref': text, components: each(component), properties })),
  },
)

/** Everything in a document that the schema would refuse, or that refers to nothing. */
export function cyclonedxProblems(document: unknown): string[] {
  const problems = bom(document, 'bom')
  if (problems.length > 0) return problems
  const { metadata, components, dependencies, formulation } = document as Record<string, never>
  const model = (metadata as Json | undefined)?.['component'] as Json | undefined
  const refs = [...refsOf([model]), ...refsOf(components), ...refsOf(formulation)]
  const twice = refs.filter((ref, n) => refs.indexOf(ref) !== n)
  const known = new Set(refs)
  const named = ((dependencies ?? []) as { ref: string; dependsOn?: string[] }[]).flatMap(
    ({ ref, dependsOn }) => [ref, ...(dependsOn ?? [])],
  )
  const repeated = ((dependencies ?? []) as { dependsOn?: string[] }[]).filter(
    ({ dependsOn }) => dependsOn !== undefined && new Set(dependsOn).size !== dependsOn.length,
  )
  return [
    ...twice.map((ref) => `bom-ref ${ref}: not unique`),
    ...named.filter((ref) => !known.has(ref)).map((ref) => `dependency ${ref}: names nothing`),
    ...datasetsOf(model)
      .filter((ref) => !known.has(ref))
      .map((ref) => `dataset ${ref}: names nothing`),
    ...repeated.map(() => 'dependsOn: one stands twice'),
  ]
}

function datasetsOf(model: Json | undefined): string[] {
  const card = model?.['modelCard'] as { modelParameters?: { datasets?: { ref: string }[] } } | undefined
  return (card?.modelParameters?.datasets ?? []).map(({ ref }) => ref)
}

function refsOf(components: unknown): string[] {
  return ((components ?? []) as (Json | undefined)[]).flatMap((one) =>
    one === undefined
      ? []
      : [...(one['bom-ref'] === undefined ? [] : [one['bom-ref'] as string]), ...refsOf(one['components'])],
  )
}
