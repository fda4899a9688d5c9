export { joinByteElements, splitByteElements } from './byte-elements.ts'
export {
  countElements,
  type Datatype,
  DATATYPES,
  ELEMENT_ARRAYS,
  elementBytes,
  isDatatype,
  isWholeTensor,
  MAX_RANK,
  type NumericDatatype,
} from './datatypes.ts'
export { fromHalf, toHalf } from './half.ts'
