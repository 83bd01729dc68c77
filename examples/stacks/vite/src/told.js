export const told = (moment, timeZone) => moment.toLocaleTimeString("en-GB", { timeZone });
