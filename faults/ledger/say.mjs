/** The data of an event, to recognise it by. @param {string} data */
export const brief = (data) => JSON.stringify(data.length > 40 ? `${data.slice(0, 40)}…` : data);
