export {
  acceptedDataUseDecoder,
  BY_CONTRACT,
  DATA_TASKS,
  dataUseDecoder,
  describeDataUse,
  findDataUseExcess,
  isSameDataUse,
  NO_CONTENT,
  type AcceptedDataUse,
  type DataTask,
  type DataUse,
} from './data-use.ts'
