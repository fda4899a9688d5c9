import {
  type ContractView,
  type DataStatement,
  type Name,
  type NamedContract,
  verifyPartyDocument,
} from '@sotto/protocol/contract'

/**
 * What the KMS says that its owner said last of an input, as the owner signed it; undefined: nothing yet.
 * @throws `CONTRACT_MALFORMED`, `CONTRACT_SIGNATURE`, `CONTRACT_OTHER` where no owner said that
 */
export function statedIn(
  { data }: Pick<ContractView, 'data'>,
  named: NamedContract,
  input: Name,
): DataStatement | undefined {
  const envelope = data.find((one) => one.input === input)?.envelope
  return envelope === undefined ? undefined : verifyPartyDocument('data', envelope, named).document
}
