/** The page assistant. */
export const assistant = {
  title: 'Assistant',
  lead: '',
}
