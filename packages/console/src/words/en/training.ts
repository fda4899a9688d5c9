/** The page of trainings. */
export const training = {
  title: 'Training',
  lead: 'Parties of a clean room train one model on the rows of all of them, and show each other no row.',
  nowhere: {
    empty: 'You are in no room in this tab.',
    note: 'A training is a computation of a contract. How far it is, its loss and what it costs show here once you have joined the room.',
  },
  commands: [
    {
      command: 'sotto train init FILE',
      does: 'writes a draft from the columns of a file, with none of its values.',
    },
    { command: 'sotto train check', does: 'says what the draft costs of the privacy of each table.' },
    {
      command: 'sotto room propose FILE',
      does: 'shows the contract to the others, who read and sign it on the page Rooms.',
    },
    { command: 'sotto train run', does: 'asks for the training, and follows it.' },
  ],
  toRooms: 'Join a room',
  empty: 'Nobody has asked for a training in this room.',
  note: 'Once a contract with a training is in force, its parties ask for a run on the page Rooms, or with sotto train run.',
  toRoom: 'Open its room',
}
