// `prepack` of each package in a checkout: what is published is made elsewhere, by build-packages.ts.

process.stderr.write(
  "This folder is the source. Make the packages with: npm run build -- --pack\n" +
    "and publish the tarballs, or the folders beside them, from dist/.\n",
);
process.exitCode = 1;
