/** The data of an event: a number like no other's, and how long it is. @param {number} serial @param {number} length */
export const dataOf = (serial, length) => `${serial} ${'x'.repeat(length)}`;

/** The same in few characters, for what {@link dataOf} has made. @param {string} data */
export const packed = (data) => {
  const [, serial, filling] = /^(\d+) (x*)$/.exec(data) ?? [];
  return serial === undefined ? data : `${serial} ${filling.length}`;
};
