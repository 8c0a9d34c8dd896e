// biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range is what is looked for
const ASCII = /^[\x00-\x7f]*$/;

/** The number of bytes that `text` takes in UTF-8; a lone surrogate counts as U+FFFD, as encoders write it. */
export function utf8Length(text: string): number {
  if (ASCII.test(text)) return text.length;
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else {
      bytes += 3;
      // A surrogate pair is two units and four bytes.
      if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
        bytes += 1;
        i++;
      }
    }
  }
  return bytes;
}
