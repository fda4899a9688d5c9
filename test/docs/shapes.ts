import { compileCheck } from '../../packages/enclave/src/engines/json-schema/check.ts'
import { SCHEMAS } from '../../scripts/openapi/answers.ts'
import type { Schema } from '../../scripts/openapi/types.ts'

/**
 * The keyword that an answer breaks, by the check that the gateway uses on answers. The document lets later versions add
 * members; an answer of this one has none that the document does not name.
 */
export function mismatch(shape: string, answer: unknown): string | undefined {
  return compileCheck({ $defs: DEFS, $ref: `#/$defs/${shape}` })(answer)
}

const DEFS = JSON.parse(
  JSON.stringify(SCHEMAS, (_, value: Schema) =>
    value?.type === 'object' && value.properties ? { ...value, additionalProperties: false } : value,
  ).replaceAll('#/components/schemas/', '#/$defs/'),
) as object
