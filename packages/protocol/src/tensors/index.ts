export { joinByteElements, splitByteElements } from './byte-elements.ts'
export {
  countElements,
  type Datatype,
  DATATYPES,
  elementBytes,
  isDatatype,
  MAX_RANK,
  type NumericDatatype,
} from './datatypes.ts'
export { fromHalf, toHalf } from './half.ts'
