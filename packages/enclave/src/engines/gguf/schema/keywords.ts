/** Keywords that only describe. They force nothing and are skipped. */
export const ANNOTATIONS: readonly string[] = [
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  '$schema',
  '$comment',
  '$defs',
  'definitions',
]

/** What may stand beside each other, by what a schema is. Everything else is refused by name. */
export const OFFERED = {
  $ref: ['$ref'],
  anyOf: ['anyOf'],
  const: ['const', 'type'],
  enum: ['enum', 'type'],
  object: ['type', 'properties', 'required', 'additionalProperties'],
  array: ['type', 'items', 'minItems', 'maxItems'],
  string: ['type', 'minLength', 'maxLength', 'format'],
  integer: ['type', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  number: ['type', 'minimum', 'maximum'],
  boolean: ['type'],
  null: ['type'],
} as const

/** The other keywords of JSON Schema 2020-12 and its drafts: named when refused. Other keys are somebody's own words. */
const REFUSED: readonly string[] = [
  '$anchor',
  '$dynamicAnchor',
  '$dynamicRef',
  '$id',
  '$recursiveRef',
  '$vocabulary',
  'additionalItems',
  'allOf',
  'contains',
  'contentEncoding',
  'contentMediaType',
  'contentSchema',
  'dependencies',
  'dependentRequired',
  'dependentSchemas',
  'else',
  'format',
  'id',
  'if',
  'maxContains',
  'maxProperties',
  'minContains',
  'minProperties',
  'multipleOf',
  'not',
  'nullable',
  'oneOf',
  'pattern',
  'patternProperties',
  'prefixItems',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
  'uniqueItems',
]

/** A keyword as an error may say it: never a word that only its author knows. */
export function sayable(keyword: string): string {
  const known = [...ANNOTATIONS, ...Object.values(OFFERED).flat(), ...REFUSED]
  return known.includes(keyword) ? `keyword ${keyword}` : 'a keyword that JSON Schema does not have'
}
