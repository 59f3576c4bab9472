/** `__Host-`: Secure, Path=/, no Domain (RFC 6265bis section 4.1.3.2). Lax, so that links from mail and chat arrive signed in. */
const COOKIE_NAME = '__Host-enchilada';

/** Names the browser while it is away at an identity provider. Lax, for it comes back from another site. */
const BROWSER_NAME = '__Host-enchilada-browser';
const BROWSER_SECONDS = 15 * 60;

/** The value, if exactly one well-formed cookie of the name came. Two of them mean that somebody planted one. */
export function readCookie(header: string | undefined): string | undefined {
  return readNamed(header, COOKIE_NAME);
}

export function readBrowserCookie(header: string | undefined): string | undefined {
  return readNamed(header, BROWSER_NAME);
}

export function writeBrowserCookie(value: string): string {
  return `${BROWSER_NAME}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${BROWSER_SECONDS}`;
}

function readNamed(header: string | undefined, name: string): string | undefined {
  if (header === undefined || header.length > 16_384) return undefined;
  const found = header.split(';').flatMap((part) => {
    const at = part.indexOf('=');
    return at > 0 && part.slice(0, at).trim() === name ? [part.slice(at + 1).trim()] : [];
  });
  const [value] = found;
  return found.length === 1 && value !== undefined && /^[A-Za-z0-9_-]{43}$/u.test(value) ? value : undefined;
}

export function writeCookie(value: string): string {
  return `${COOKIE_NAME}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax`;
}

export function eraseCookie(): string {
  return `${COOKIE_NAME}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0`;
}
