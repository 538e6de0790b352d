/** A self-signed certificate for localhost and 127.0.0.1 and its key, valid for a hundred years. It protects nothing: everybody has the key. */
export const testCertificate: { readonly key: string; readonly cert: string } = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgiKwwCJ/zcgcbsbNq
iuz0hvnAMB4wVcrNJWQRmE8c9FehRANCAAQ4TyXO6HWU2+how8UmBtBbZ6ayxJiT
NI36lJ8oxj8AdZqOLwDaurc4VfAOEbvcruM+FPCCYKy1uMYSUWgjM/DX
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUJP4lGYd/gwsQHflYDFfWIQxkHlQwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjIzNTUwOFoYDzIxMjYxMDI5
MjM1NTA4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQ4TyXO6HWU2+how8UmBtBbZ6ayxJiTNI36lJ8oxj8AdZqOLwDaurc4
VfAOEbvcruM+FPCCYKy1uMYSUWgjM/DXo28wbTAdBgNVHQ4EFgQUrEaBjQ6gjfPq
/UU6dqqYuYCnYqgwHwYDVR0jBBgwFoAUrEaBjQ6gjfPq/UU6dqqYuYCnYqgwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAJwdaIItAPQKSrW1rJa/wCE0r0oWMwwBYznJcDj0SK+LAiEA
lulgJ9tvH/Dwb9ZIRWUwjPPZKnqrxm/mRcFRnvemQnQ=
-----END CERTIFICATE-----
`,
};
