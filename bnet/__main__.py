from bnet.cli import main

main()
